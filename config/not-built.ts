/**
 * Keys that Linkerd 1 knows and this daemon does not build yet; take a line out when the key does what it says.
 *
 * Plugins are not listed: a kind is built when the registry has it.
 */

/** By place of the schema; a key with values is refused only with a value other than these, which change nothing. */
export const notBuiltKeys: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>> = {
  client: { requestAuthorizers: [] },
  // Node.js sets it on every listener.
  socketOptions: { reuseAddr: [true] },
};

/** Why some of them will not be built. */
export const notBuiltReasons: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  client: {
    requestAuthorizers:
      "the only kind asks Istio's Mixer, which Istio has not had since 1.8, so there is nothing to ask; delete the entry",
  },
  socketOptions: { reuseAddr: "every listener of Node.js has SO_REUSEADDR, so that only true can be had" },
};

/** What every message about something that is not built says. */
export const notBuilt = "known to Linkerd 1 and not built yet";
