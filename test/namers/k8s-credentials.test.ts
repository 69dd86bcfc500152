/** The API of Kubernetes over TLS, with the token of a service account that is rotated. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { createKubeApi } from "../../namers/k8s/api.ts";
import { readWhole } from "../../namers/k8s/stream.ts";
import { tempDir } from "../kit/temp-dir.ts";

/** Makes a key and a certificate for 127.0.0.1 in a folder. */
function makeCertificate(folder: string): { key: string; cert: string } {
  const key = join(folder, "key.pem");
  const cert = join(folder, "ca.crt");
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const names = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", ...curve, ...names, ...files, "-days", "2"], { stdio: "ignore" });
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
}

test("the token is read anew for each request, and only the cluster's authority is trusted", async () => {
  using account = tempDir();
  using other = tempDir();
  const pair = makeCertificate(account.path);
  makeCertificate(other.path);
  other.write("token", "t1");
  const seen: (string | undefined)[] = [];
  const server = createServer(pair, (request, response) => {
    seen.push(request.headers.authorization);
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const get = async (serviceAccount: string): Promise<string> => {
    const signal = new AbortController().signal;
    const { chunks } = await api[serviceAccount]!("/x", "list", signal);
    return readWhole(chunks);
  };
  const make = (serviceAccount: string) => createKubeApi({ host: "127.0.0.1", port, serviceAccount });
  const api = { [account.path]: make(account.path), [other.path]: make(other.path) };
  try {
    await assert.rejects(get(account.path), /ENOENT.*token/);
    account.write("token", "t1\n");
    assert.equal(await get(account.path), "{}");
    account.replace("token", "t2\n");
    assert.equal(await get(account.path), "{}");
    assert.deepEqual(seen, ["Bearer t1", "Bearer t2"]);
    await assert.rejects(get(other.path), /self-signed certificate/);
    assert.equal(seen.length, 2);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
