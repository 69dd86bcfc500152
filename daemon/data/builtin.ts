/** The plugins that come with the daemon and live in every data worker; a new one is a line here. */

import ingress from "../../namers/k8s/ingress-identifier.ts";
import consecutiveFailures from "../../plugins/accruals/consecutive-failures.ts";
import none from "../../plugins/accruals/none.ts";
import successRate from "../../plugins/accruals/success-rate.ts";
import successRateWindowed from "../../plugins/accruals/success-rate-windowed.ts";
import aperture from "../../plugins/balancers/aperture.ts";
import ewma from "../../plugins/balancers/ewma.ts";
import heap from "../../plugins/balancers/heap.ts";
import p2c from "../../plugins/balancers/p2c.ts";
import roundRobin from "../../plugins/balancers/round-robin.ts";
import allSuccessful from "../../plugins/classifiers/all-successful.ts";
import nonRetryable from "../../plugins/classifiers/non-retryable-5xx.ts";
import retryableAll from "../../plugins/classifiers/retryable-all-5xx.ts";
import retryableIdempotent from "../../plugins/classifiers/retryable-idempotent-5xx.ts";
import retryableRead from "../../plugins/classifiers/retryable-read-5xx.ts";
import type { AnyPlugin } from "../../plugins/contract.ts";
import header from "../../plugins/identifiers/header.ts";
import headerToken from "../../plugins/identifiers/header-token.ts";
import methodAndHost from "../../plugins/identifiers/method-and-host.ts";
import path from "../../plugins/identifiers/path.ts";
import staticIdentifier from "../../plugins/identifiers/static.ts";
import connectionRandom from "../../plugins/labelers/connection-random.ts";
import ip from "../../plugins/labelers/ip.ts";
import ipPort from "../../plugins/labelers/ip-port.ts";
import requestRandom from "../../plugins/labelers/request-random.ts";
import routerLabeler from "../../plugins/labelers/router.ts";
import staticLabeler from "../../plugins/labelers/static.ts";
import defaultPropagator from "../../plugins/propagators/default.ts";
import zipkinPropagator from "../../plugins/propagators/zipkin.ts";

/** Identifiers, balancers, classifiers, accruals, labelers and propagators. */
export const dataPlugins: readonly AnyPlugin[] = [
  headerToken,
  header,
  methodAndHost,
  path,
  staticIdentifier,
  ingress,
  p2c,
  ewma,
  aperture,
  heap,
  roundRobin,
  consecutiveFailures,
  successRate,
  successRateWindowed,
  none,
  nonRetryable,
  retryableRead,
  retryableIdempotent,
  retryableAll,
  allSuccessful,
  ip,
  ipPort,
  connectionRandom,
  requestRandom,
  routerLabeler,
  staticLabeler,
  defaultPropagator,
  zipkinPropagator,
];
