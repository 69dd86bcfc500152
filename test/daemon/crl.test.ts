/** When lists of revoked certificates run out, read from lists that the openssl command made. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { crlExpiry } from "../../daemon/control/tls/crl.ts";
import { Certificates } from "../kit/certificates.ts";
import { tempDir } from "../kit/temp-dir.ts";

test("the next update of a list is read as openssl wrote it", () => {
  using folder = tempDir();
  const made = new Certificates(folder.path);
  const authority = made.authority("authority");
  const read = (file: string): number | undefined => crlExpiry(readFileSync(file, "utf8"));
  assert.equal(read(made.revocations(authority, "late", [], true)), Date.UTC(2020, 0, 2));
  const days =
    (read(made.revocations(authority, "now", [made.sign(authority, "a")]))! - Date.now()) / 86_400_000;
  assert.ok(days > 29.9 && days < 30.1, String(days));
});

test("a list without an end has none, and one after 2049 is no riddle", () => {
  const time = (tag: number, text: string): number[] => [tag, text.length, ...Buffer.from(text)];
  const sequence = (...parts: number[]): number[] => [0x30, parts.length, ...parts];
  const pem = (...parts: number[]): string =>
    `-----BEGIN X509 CRL-----\n${Buffer.from(sequence(...sequence(0x02, 1, 1, 0x30, 0, 0x30, 0, ...parts))).toString("base64")}\n-----END X509 CRL-----`;
  const made = time(0x17, "250101000000Z");
  assert.equal(crlExpiry(pem(...made)), undefined);
  assert.equal(crlExpiry(pem(...made, 0x30, 0)), undefined);
  assert.equal(crlExpiry(pem(...made, ...time(0x18, "20510203040506Z"))), Date.UTC(2051, 1, 3, 4, 5, 6));
  assert.equal(crlExpiry(pem(...made, ...time(0x17, "990101000000Z"))), Date.UTC(1999, 0, 1));
});

test("what is no list is refused, however it is cut", () => {
  using folder = tempDir();
  const made = new Certificates(folder.path);
  const pem = readFileSync(made.revocations(made.authority("authority"), "cut", []), "utf8");
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----/g, ""), "base64");
  for (let length = 0; length < der.length; length++)
    assert.throws(() => crlExpiry(der.subarray(0, length).toString("base64")), /not a list of revoked/);
});
