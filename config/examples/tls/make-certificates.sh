#!/bin/sh
# Makes the certificates of mutual-tls.yaml in this folder, for trying it out: an authority, and one certificate for this
# host under the names linker and web.example, with an identity. In earnest they come from where your others come from.
set -eu
cd "$(dirname "$0")"
new_key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'

# shellcheck disable=SC2086
openssl req -x509 $new_key -days 365 -subj "/CN=example authority" -addext keyUsage=keyCertSign,cRLSign \
  -keyout authority-key.pem -out authority.pem
# shellcheck disable=SC2086
openssl req -new $new_key -subj "/CN=linker" -keyout host-key.pem -out host.csr
printf 'basicConstraints=CA:FALSE\nsubjectAltName=DNS:linker,DNS:web.example,URI:spiffe://example.org/linker\n' > host.ext
openssl x509 -req -in host.csr -CA authority.pem -CAkey authority-key.pem -CAcreateserial -days 90 \
  -extfile host.ext -out host.pem
rm host.csr host.ext
