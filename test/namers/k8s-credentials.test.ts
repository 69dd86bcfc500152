/** Who the API of Kubernetes is asked as, over real TLS: a service account, the contexts of a kubeconfig, a proxy. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { apiAccess } from "../../namers/k8s/access.ts";
import { createKubeApi } from "../../namers/k8s/api.ts";
import type { ApiKeys } from "../../namers/k8s/keys.ts";
import { readWhole } from "../../namers/k8s/stream.ts";
import { Certificates } from "../kit/certificates.ts";
import { tempDir } from "../kit/temp-dir.ts";

const folder = tempDir();
const certificates = new Certificates(folder.path);
const authority = certificates.authority("cluster");
const stranger = certificates.authority("stranger");
const serving = certificates.sign(authority, "server", { names: "IP:127.0.0.1, DNS:kubernetes.default" });
const client = certificates.sign(authority, "admin", { names: "DNS:admin" });
const read = (file: string): string => readFileSync(file, "utf8");

/** Answers with what it was asked, and by whom. */
const server = createServer(
  {
    cert: read(serving.cert),
    key: read(serving.key),
    ca: read(authority.cert),
    requestCert: true,
    rejectUnauthorized: false,
  },
  (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    const { authorization = "nobody" } = request.headers;
    response.end(`${request.url} ${authorization}${subject?.CN === undefined ? "" : ` ${subject.CN}`}`);
  },
);
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;
after(() => {
  server.close();
  server.closeAllConnections();
  folder[Symbol.dispose]();
});

const nowhere = { env: () => undefined };
const apiOf = (keys: ApiKeys) => {
  const api = createKubeApi(apiAccess(keys, nowhere));
  return async (): Promise<string> =>
    readWhole((await api("/x", "list", new AbortController().signal)).chunks);
};
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** A kubeconfig with one context; what stands in the cluster and the user. */
function kubeconfig(cluster: string, user: string, file = "kubeconfig"): string {
  folder.write(
    file,
    `apiVersion: v1
kind: Config
current-context: one
clusters:
- name: c
  cluster: {server: "https://127.0.0.1:${port}/base/", certificate-authority: cluster.pem, ${cluster}}
users:
- name: u
  user: {${user}}
- name: other
  user: {token: of-other}
contexts:
- {name: one, context: {cluster: c, user: u}}
- {name: two, context: {cluster: c, user: other}}
`,
  );
  return join(folder.path, file);
}
folder.write("cluster.pem", read(authority.cert));

test("a service account's token is read anew for each request, and only the cluster's authority is trusted", async () => {
  using account = tempDir();
  account.write("ca.crt", read(authority.cert));
  const get = apiOf({ host: "127.0.0.1", port, serviceAccount: account.path });
  await assert.rejects(get(), /ENOENT.*token/);
  account.write("token", "t1\n");
  assert.equal(await get(), "/x Bearer t1");
  account.replace("token", "t2\n");
  assert.equal(await get(), "/x Bearer t2");
  account.replace("ca.crt", read(stranger.cert));
  await assert.rejects(get(), /unable to verify|self-signed/);
});

test("without keys the API is at kubectl proxy, with a service account where the pod's variables say", () => {
  const pod = { env: (name: string) => ({ KUBERNETES_SERVICE_HOST: "10.96.0.1" })[name] };
  using account = tempDir();
  account.write("ca.crt", "ca");
  account.write("token", "t");
  const serviceAccount = account.path;
  const proxy = { host: "localhost", port: 8001, base: "", headers: {}, tls: undefined };
  assert.deepEqual(apiAccess({}, pod)(), proxy);
  const headers = { authorization: "Bearer t" };
  const inPod = { host: "10.96.0.1", port: 443, base: "", headers, tls: { ca: "ca" } };
  assert.deepEqual(apiAccess({ serviceAccount }, pod)(), inPod);
  const named = apiAccess({ serviceAccount, host: "api", port: 6443 }, pod)();
  assert.deepEqual(named, { ...inPod, host: "api", port: 6443 });
  assert.throws(() => apiAccess({ serviceAccount }, nowhere), /KUBERNETES_SERVICE_HOST/);
});

test("a kubeconfig says server, authority and user, by its current context or the one that is named", async () => {
  const file = kubeconfig("", "token: of-u");
  assert.equal(await apiOf({ kubeconfig: file })(), "/base/x Bearer of-u");
  assert.equal(await apiOf({ kubeconfig: file, context: "two" })(), "/base/x Bearer of-other");
});

test("a client's certificate may stand in files or in the kubeconfig itself", async () => {
  const files = kubeconfig("", `client-certificate: "${client.cert}", client-key: "${client.key}"`);
  assert.equal(await apiOf({ kubeconfig: files })(), "/base/x nobody admin");
  const [cert, key] = [base64(read(client.cert)), base64(read(client.key))];
  const data = kubeconfig(
    `certificate-authority-data: ${base64(read(authority.cert))}`,
    `client-certificate-data: ${cert}, client-key-data: ${key}`,
  );
  assert.equal(await apiOf({ kubeconfig: data })(), "/base/x nobody admin");
});

test("the authority counts, and the name of the server", async () => {
  const data = base64(read(stranger.cert));
  const strange = kubeconfig(`certificate-authority-data: ${data}`, "");
  await assert.rejects(apiOf({ kubeconfig: strange })(), /unable to verify|self-signed/);
  const named = kubeconfig("tls-server-name: kubernetes.default", "");
  assert.equal(await apiOf({ kubeconfig: named })(), "/base/x nobody");
  const wrong = kubeconfig("tls-server-name: somebody.else", "");
  await assert.rejects(apiOf({ kubeconfig: wrong })(), /altnames/);
  const open = kubeconfig(`certificate-authority-data: ${data}, insecure-skip-tls-verify: true`, "");
  assert.equal(await apiOf({ kubeconfig: open })(), "/base/x nobody");
});

test("a kubeconfig and the token file that it names are followed", async () => {
  folder.write("token", "first\n");
  const file = kubeconfig("", "tokenFile: token");
  const get = apiOf({ kubeconfig: file });
  assert.equal(await get(), "/base/x Bearer first");
  folder.replace("token", "second\n");
  assert.equal(await get(), "/base/x Bearer second");
  kubeconfig("", "token: third-one");
  assert.equal(await get(), "/base/x Bearer third-one");
});

test("what cannot be honoured is refused at the start, with what to do instead", () => {
  const refusals: [cluster: string, user: string, RegExp][] = [
    ["", "exec: {command: aws}", /exec of the context one gets credentials from a program.*use tokenFile/],
    ["", "username: a, password: b", /username of the context one is basic authentication/],
    ["", "as: somebody", /impersonate/],
    ["proxy-url: http://p", "", /proxy-url of the context one is not built/],
  ];
  for (const [cluster, user, message] of refusals) {
    assert.throws(() => apiAccess({ kubeconfig: kubeconfig(cluster, user) }, nowhere), message);
  }
  const file = kubeconfig("", "");
  assert.throws(
    () => apiAccess({ kubeconfig: file, context: "three" }, nowhere),
    /no context is called three; there are: one, two/,
  );
  assert.throws(() => apiAccess({ kubeconfig: `${file}.gone` }, nowhere), /ENOENT/);
  assert.throws(() => apiAccess({ context: "one" }, nowhere), /set kubeconfig too/);
  assert.throws(() => apiAccess({ kubeconfig: file, serviceAccount: "/x" }, nowhere), /exclude/);
});
