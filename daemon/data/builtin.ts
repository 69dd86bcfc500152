/** The plugins that come with the daemon and live in every data worker; a new one is a line here. */

import ewma from "../../plugins/balancers/ewma.ts";
import p2c from "../../plugins/balancers/p2c.ts";
import roundRobin from "../../plugins/balancers/round-robin.ts";
import type { AnyPlugin } from "../../plugins/contract.ts";
import header from "../../plugins/identifiers/header.ts";
import headerToken from "../../plugins/identifiers/header-token.ts";
import methodAndHost from "../../plugins/identifiers/method-and-host.ts";
import path from "../../plugins/identifiers/path.ts";
import staticIdentifier from "../../plugins/identifiers/static.ts";
import defaultPropagator from "../../plugins/propagators/default.ts";
import zipkinPropagator from "../../plugins/propagators/zipkin.ts";

/** Identifiers, balancers, classifiers, accruals, labelers and propagators. */
export const dataPlugins: readonly AnyPlugin[] = [
  headerToken,
  header,
  methodAndHost,
  path,
  staticIdentifier,
  p2c,
  ewma,
  roundRobin,
  defaultPropagator,
  zipkinPropagator,
];
