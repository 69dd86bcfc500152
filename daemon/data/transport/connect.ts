/** Connecting to an endpoint without TLS. */
import net from "node:net";
import { type ConnectOptions, HandleTransport } from "./handle-transport.ts";
import { nodeHandles } from "./node-handles.ts";
import { SocketTransport } from "./socket-transport.ts";
import type { Transport, TransportOwner } from "./transport.ts";

/** Begins a connection; its owner is told when it is made. */
export function connect(options: ConnectOptions, owner: TransportOwner): Transport {
  if (nodeHandles !== undefined && net.isIP(options.host) !== 0)
    return HandleTransport.connect(options, owner);
  const open = (onread: net.TcpNetConnectOpts["onread"]) =>
    net.connect({ ...options, allowHalfOpen: true, onread } as net.TcpNetConnectOpts);
  return SocketTransport.connect(open, "connect", owner);
}
