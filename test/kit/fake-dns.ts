/** A name server on UDP for tests: A, AAAA and SRV records, and failures. */
import { createSocket } from "node:dgram";

/** A record's data by type. */
export type FakeRecord =
  | { readonly type: "A"; readonly address: string; readonly ttl: number }
  | { readonly type: "AAAA"; readonly address: string; readonly ttl: number }
  | { readonly type: "SRV"; readonly port: number; readonly target: string; readonly ttl: number };

/** A running one. */
export interface FakeDns {
  readonly port: number;
  /** Questions so far, as `TYPE name`. */
  readonly questions: readonly string[];
  /** Records by name; a name without an entry is NXDOMAIN. */
  readonly zone: Map<string, readonly FakeRecord[]>;
  /** Every answer from now on; undefined heals. */
  fault: "SERVFAIL" | undefined;
  close(): void;
}

const types = new Map([
  [1, "A"],
  [28, "AAAA"],
  [33, "SRV"],
]);

/** Starts one. */
export async function fakeDns(): Promise<FakeDns> {
  const socket = createSocket("udp4");
  const questions: string[] = [];
  const zone = new Map<string, readonly FakeRecord[]>();
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const dns: FakeDns = {
    port: socket.address().port,
    questions,
    zone,
    fault: undefined,
    close: () => socket.close(),
  };
  socket.on("message", (query, from) => {
    const { name, end } = readName(query, 12);
    const type = query.readUInt16BE(end);
    questions.push(`${types.get(type)} ${name}`);
    const entry = zone.get(name.toLowerCase());
    const records = (entry ?? []).filter((record) => record.type === types.get(type));
    const rcode = dns.fault === "SERVFAIL" ? 2 : entry === undefined ? 3 : 0;
    const answers = rcode === 0 ? records.map(showRecord) : [];
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 | rcode, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(answers.length, 6);
    socket.send(Buffer.concat([head, query.subarray(12, end + 4), ...answers]), from.port, from.address);
  });
  return dns;
}

function readName(packet: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  for (let size = packet[at]!; size !== 0; size = packet[at]!) {
    labels.push(packet.toString("latin1", at + 1, at + 1 + size));
    at += size + 1;
  }
  return { name: labels.join("."), end: at + 1 };
}

function showRecord(record: FakeRecord): Buffer {
  const data = dataOf(record);
  const head = Buffer.alloc(12);
  // The name of the question.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE([...types].find(([, type]) => type === record.type)![0], 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(record.ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function dataOf(record: FakeRecord): Buffer {
  if (record.type === "A") return Buffer.from(record.address.split(".").map(Number));
  if (record.type === "AAAA") {
    const words = record.address.split(":").map((word) => Number.parseInt(word, 16));
    const data = Buffer.alloc(16);
    for (const [i, word] of words.entries()) data.writeUInt16BE(word, i * 2);
    return data;
  }
  const numbers = Buffer.alloc(6);
  numbers.writeUInt16BE(10, 0);
  numbers.writeUInt16BE(10, 2);
  numbers.writeUInt16BE(record.port, 4);
  const labels = record.target.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([numbers, ...labels, Buffer.from([0])]);
}
