/** Conformance area identifiers-http: what an http router's identifiers make of a request. */
import assert from "node:assert/strict";
import { splitAbsoluteTarget } from "../../../daemon/data/codec/h1/absolute-target.ts";
import { createIdentifierChain } from "../../../daemon/data/router/identifier-chain.ts";
import { Path } from "../../../dtab/index.ts";
import {
  type Identifier,
  type IdentifierContext,
  type RequestView,
  Unidentified,
} from "../../../plugins/contract.ts";
import header from "../../../plugins/identifiers/header.ts";
import headerToken from "../../../plugins/identifiers/header-token.ts";
import methodAndHost from "../../../plugins/identifiers/method-and-host.ts";
import path from "../../../plugins/identifiers/path.ts";
import fixed from "../../../plugins/identifiers/static.ts";
import { HeaderList } from "../../kit/header-list.ts";
import { pluginContext } from "../../kit/plugin-context.ts";
import { withDefaults } from "../../kit/with-defaults.ts";

interface Case {
  readonly identifier: Block | readonly Block[];
  readonly prefix: string;
  readonly request: {
    readonly method?: string;
    readonly uri?: string;
    readonly version?: string;
    readonly headers?: readonly (readonly [string, string])[];
  };
  readonly expect: {
    readonly dst?: string;
    readonly uri?: string;
    readonly unidentified?: true;
    readonly reason?: string;
  };
}

interface Block {
  readonly kind: string;
  readonly [key: string]: unknown;
}

const plugins = [headerToken, header, methodAndHost, path, fixed];

function create(block: Block, context: IdentifierContext): Identifier {
  const plugin = plugins.find((each) => each.kind === block.kind);
  assert.ok(plugin, `identifier ${block.kind} is not built`);
  // biome-ignore lint/suspicious/noExplicitAny: the case's block is whatever this plugin's schema says.
  return plugin.create(withDefaults(plugin.schema, block) as any, context);
}

export default function check({ identifier, prefix, request, expect }: Case): void {
  const context = { ...pluginContext(), dstPrefix: Path.read(prefix), feed: () => undefined };
  const blocks = Array.isArray(identifier) ? (identifier as readonly Block[]) : [identifier as Block];
  const chain = createIdentifierChain(blocks.map((block) => create(block, context)));
  const headers = new HeaderList(request.headers);
  const absolute = splitAbsoluteTarget(request.uri ?? "/");
  if (absolute !== undefined) headers.set("host", absolute.authority);
  const view: RequestView = {
    method: request.method ?? "GET",
    target: absolute?.target ?? request.uri ?? "/",
    version: (request.version ?? "HTTP/1.1").slice(5) as RequestView["version"],
    header: (name) => headers.first(name),
  };
  let outcome: unknown;
  try {
    const name = chain.identify(view);
    outcome =
      name instanceof Unidentified
        ? { unidentified: true, reason: name.reason }
        : { dst: name.show(), uri: view.target };
  } catch {
    outcome = { error: true };
  }
  assert.deepEqual(outcome, expect);
}
