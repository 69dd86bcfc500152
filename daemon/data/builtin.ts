/**
 * The plugins that come with the daemon and live in every data worker; a new one is a line here. What holds where a
 * configuration names no kind is imported; the others are loaded when it names them.
 */
import consecutiveFailures from "../../plugins/accruals/consecutive-failures.ts";
import p2c from "../../plugins/balancers/p2c.ts";
import type { AnyPlugin } from "../../plugins/contract.ts";
import headerToken from "../../plugins/identifiers/header-token.ts";
import requestRandom from "../../plugins/labelers/request-random.ts";
import defaultPropagator from "../../plugins/propagators/default.ts";
import { type LazyPlugin, lazily } from "../../plugins/registry.ts";

/** Identifiers, balancers, classifiers, accruals, labelers and propagators. */
export const dataPlugins: readonly (AnyPlugin | LazyPlugin)[] = [
  headerToken,
  lazily("identifier", "io.l5d.header", () => import("../../plugins/identifiers/header.ts")),
  lazily("identifier", "io.l5d.methodAndHost", () => import("../../plugins/identifiers/method-and-host.ts")),
  lazily("identifier", "io.l5d.path", () => import("../../plugins/identifiers/path.ts")),
  lazily("identifier", "io.l5d.static", () => import("../../plugins/identifiers/static.ts")),
  lazily("identifier", "io.l5d.ingress", () => import("../../namers/k8s/ingress-identifier.ts")),
  p2c,
  lazily("balancer", "ewma", () => import("../../plugins/balancers/ewma.ts")),
  lazily("balancer", "aperture", () => import("../../plugins/balancers/aperture.ts")),
  lazily("balancer", "heap", () => import("../../plugins/balancers/heap.ts")),
  lazily("balancer", "roundRobin", () => import("../../plugins/balancers/round-robin.ts")),
  consecutiveFailures,
  lazily("accrual", "io.l5d.successRate", () => import("../../plugins/accruals/success-rate.ts")),
  lazily(
    "accrual",
    "io.l5d.successRateWindowed",
    () => import("../../plugins/accruals/success-rate-windowed.ts"),
  ),
  lazily("accrual", "none", () => import("../../plugins/accruals/none.ts")),
  lazily(
    "classifier",
    "io.l5d.http.nonRetryable5XX",
    () => import("../../plugins/classifiers/non-retryable-5xx.ts"),
  ),
  lazily(
    "classifier",
    "io.l5d.http.retryableRead5XX",
    () => import("../../plugins/classifiers/retryable-read-5xx.ts"),
  ),
  lazily(
    "classifier",
    "io.l5d.http.retryableIdempotent5XX",
    () => import("../../plugins/classifiers/retryable-idempotent-5xx.ts"),
  ),
  lazily(
    "classifier",
    "io.l5d.http.retryableAll5XX",
    () => import("../../plugins/classifiers/retryable-all-5xx.ts"),
  ),
  lazily(
    "classifier",
    "io.l5d.http.allSuccessful",
    () => import("../../plugins/classifiers/all-successful.ts"),
  ),
  lazily("labeler", "ip", () => import("../../plugins/labelers/ip.ts")),
  lazily("labeler", "ip:port", () => import("../../plugins/labelers/ip-port.ts")),
  lazily("labeler", "connectionRandom", () => import("../../plugins/labelers/connection-random.ts")),
  requestRandom,
  lazily("labeler", "router", () => import("../../plugins/labelers/router.ts")),
  lazily("labeler", "static", () => import("../../plugins/labelers/static.ts")),
  defaultPropagator,
  lazily("propagator", "io.l5d.zipkin", () => import("../../plugins/propagators/zipkin.ts")),
];
