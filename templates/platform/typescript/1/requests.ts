import { randomBytes } from 'node:crypto';
import { context as contexts, propagation, SpanKind, trace as traces } from '@opentelemetry/api';
import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Logger } from 'pino';
import { type Caller, SignInError } from './calls.ts';
import type { Identify, Person } from './proxy.ts';
import { currentTrace, record } from './telemetry.ts';

/** The variables that the middleware sets for each request. */
export interface RequestEnv {
  Variables: { trace: Trace; person?: Person };
}

type Trace = Pick<Caller, 'traceparent' | 'tracestate'>;

/** The format of https://www.w3.org/TR/trace-context/ version 00. */
const TRACEPARENT = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/** Records each request as a span, a child of that of its headers: its path, not its query. */
export function recordRequests(): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    const { method, path } = context.req;
    const options = {
      kind: SpanKind.SERVER,
      attributes: { 'http.request.method': method, 'url.path': path },
    };
    const parent = propagation.extract(contexts.active(), context.req.header());
    const measured: Record<string, string> = { 'http.request.method': method };
    await contexts.with(parent, () =>
      record(method, options, 'http.server.request.duration', measured, async (span) => {
        await next();
        const route = routePath(context, -1);
        measured['http.route'] = route;
        span.updateName(`${method} ${route}`).setAttribute('http.route', route);
        return context.res;
      }),
    );
  };
}

/** Logs one record per request, without query string and headers, which may contain secrets. */
export function logRequests(log: Logger): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    const start = performance.now();
    const trace = traceOf(context);
    context.set('trace', trace);
    await next();
    // If the client disconnected, errors are not ours. 499 is the status that nginx uses.
    const gone = context.req.raw.signal.aborted;
    const status = gone ? 499 : context.res.status;
    const record = {
      method: context.req.method,
      path: context.req.path,
      status,
      milliseconds: Math.round(performance.now() - start),
      trace_id: trace.traceparent.slice(3, 35),
      span_id: traces.getActiveSpan()?.spanContext().spanId,
      tenant: context.var.person?.tenant,
      subject: context.var.person?.subject,
      err: gone ? undefined : context.error,
    };
    if (status >= 500) log.error(record, 'request');
    else log.info(record, 'request');
  };
}

/** Identifies the user of each request, before its body is read. Without a tenant it is `anonymousTenant`, if any. */
export function setPerson(
  identify: Identify,
  anonymousTenant: string | undefined,
): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    const { tenant = anonymousTenant, subject } = await identify(context.req);
    context.set('person', { tenant, subject });
    await next();
  };
}

/** The caller for the SDK; all calls have `timeoutSeconds` together. Throws SignInError if the user is not known. */
export function callerOf(
  { req, var: { person, trace } }: Context<RequestEnv>,
  timeoutSeconds: number,
): Caller {
  const tenant = person?.tenant;
  if (tenant === undefined) throw new SignInError('the request has no tenant');
  const signal = AbortSignal.any([req.raw.signal, AbortSignal.timeout(timeoutSeconds * 1000)]);
  return { tenant, subject: person?.subject, ...trace, signal };
}

/**
 * The trace of the request, or a new one that is not sampled, whose id still correlates logs. If spans are recorded, that of
 * the request has found or started it.
 */
function traceOf({ req }: Context): Trace {
  const current = currentTrace();
  if (current !== undefined) return current;
  const traceparent = req.header('traceparent');
  if (traceparent !== undefined && TRACEPARENT.test(traceparent)) {
    return { traceparent, tracestate: req.header('tracestate') };
  }
  const [trace, span] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceparent: `00-${trace}-${span}-00`, tracestate: undefined };
}
