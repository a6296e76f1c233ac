import { readFileSync } from 'node:fs';
import { type Context, Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { Logger } from 'pino';
import { NotImplementedError } from './failures.ts';
import { home } from './pages/home.ts';
import { problem } from './pages/problem.ts';
import { type Caller, type Sdk, SdkError } from './sdk/sdk.ts';

const STYLE = readFileSync(new URL('./pages/style.css', import.meta.url), 'utf8');

/** Whether the process is on its way out, which the readiness probe tells. */
export interface Lifecycle {
  draining: boolean;
}

/** What the routes work with. */
export interface Services {
  readonly sdk: Sdk;
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
}

/** The routes of this surface. */
export function createApp({ sdk, lifecycle, log }: Services): Hono {
  const app = new Hono();

  // Alive as long as the process can answer; a service that is down is no reason to restart this one.
  app.get('/livez', (context) => context.json({ status: 'alive' }));
  app.get('/readyz', (context) =>
    lifecycle.draining ? context.json({ status: 'draining' }, 503) : context.json({ status: 'ready' }),
  );

  app.use(async (context, next) => {
    const start = performance.now();
    await next();
    // A connection that is kept alive would hold up the end of the process.
    if (lifecycle.draining) context.header('connection', 'close');
    log.info(
      {
        method: context.req.method,
        path: context.req.path,
        status: context.res.status,
        milliseconds: Math.round(performance.now() - start),
        traceparent: context.req.header('traceparent'),
      },
      'request',
    );
  });
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
    }),
  );

  app.get('/style.css', (context) => context.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }));
  app.get('/', async (context) => context.html(await home(sdk, callerOf(context))));

  app.notFound((context) => context.html(problem('Not found', 'There is no such page.'), 404));
  app.onError((error, context) => {
    log.error({ err: error }, 'request failed');
    if (error instanceof NotImplementedError) {
      return context.html(problem('Not implemented', error.message), 501);
    }
    if (error instanceof SdkError) {
      return context.html(problem('Not available', 'A service behind this page does not answer.'), 502);
    }
    return context.html(problem('Something went wrong', 'This is our mistake, not yours.'), 500);
  });
  return app;
}

function callerOf({ req }: Context): Caller {
  return {
    authorization: req.header('authorization'),
    traceparent: req.header('traceparent'),
    signal: req.raw.signal,
  };
}
