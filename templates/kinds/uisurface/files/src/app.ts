import { readFileSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { Hono } from 'hono';
import { csrf } from 'hono/csrf';
import { etag } from 'hono/etag';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import type { Logger } from 'pino';
import { NotImplementedError } from './failures.ts';
import { problem } from './pages/problem.tsx';
import { TEXT } from './pages/text.ts';
import { type AcceptProxy, identifyBy } from './platform/proxy.ts';
import { logRequests, type RequestEnv, recordRequests, setPerson } from './platform/requests.ts';
import { addPages } from './routes.ts';
import { DeniedError, InputError, NotFoundError, type Sdk, SdkError, SignInError } from './sdk/sdk.ts';
import { askToSignIn, type SignIn } from './sign-in.ts';

const STYLE = readFileSync(new URL('../public/style.css', import.meta.url), 'utf8');

/** The shutdown state of the process. The readiness probe fails while it drains. */
export interface Lifecycle {
  draining: boolean;
}

/** The dependencies of the routes. */
export interface Services {
  readonly sdk: Sdk;
  /** Limit for all SDK calls of one page together. */
  readonly sdkTimeoutSeconds: number;
  readonly acceptProxy: AcceptProxy;
  readonly signIn: SignIn;
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
}

/** Creates the application: what is done for every request, probes, the style sheet, and errors as pages. */
export function createApp(services: Services): Hono<RequestEnv> {
  const { sdk, sdkTimeoutSeconds, acceptProxy, signIn, lifecycle, log } = services;
  const app = new Hono<RequestEnv>();

  app.use(async (context, next) => {
    await next();
    // Keep-alive connections would delay the shutdown.
    if (lifecycle.draining) context.header('connection', 'close');
  });

  // Live as long as the process answers: an unavailable service is no reason to restart it.
  app.get('/livez', (context) => context.json({ status: 'alive' }));
  app.get('/readyz', (context) =>
    lifecycle.draining ? context.json({ status: 'draining' }, 503) : context.json({ status: 'ready' }),
  );

  app.use(recordRequests());
  app.use(logRequests(log));
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
      xFrameOptions: 'DENY',
      // With no-referrer, browsers send forms over HTTP with `Origin: null`.
      referrerPolicy: 'same-origin',
      // Other hosts of the domain may have no TLS.
      strictTransportSecurity: 'max-age=31536000',
    }),
  );
  app.use(async (context, next) => {
    await next();
    // Pages contain data of one caller.
    if (!context.res.headers.has('cache-control')) context.header('cache-control', 'no-store');
  });
  app.use(setPerson(identifyBy(acceptProxy), signIn.anonymousTenant));
  // The proxy may have ended TLS, so that the schemes differ.
  app.use(csrf({ origin: (origin, { req }) => URL.parse(origin)?.host === new URL(req.url).host }));

  app.get('/style.css', etag(), (context) =>
    context.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'no-cache' }),
  );
  addPages(app, sdk, sdkTimeoutSeconds);

  app.notFound((context) => context.html(problem(...TEXT.problem.missing), 404));
  app.onError((error, context) => {
    if (error instanceof HTTPException) {
      const title = STATUS_CODES[error.status] ?? String(error.status);
      return context.html(problem(title, TEXT.problem.rejected), error.status);
    }
    if (error instanceof NotImplementedError) {
      return context.html(problem('Not implemented', error.message), 501);
    }
    if (error instanceof SignInError) return askToSignIn(context, signIn);
    if (error instanceof InputError) return context.html(problem('Bad Request', TEXT.problem.rejected), 400);
    if (error instanceof DeniedError) return context.html(problem(...TEXT.problem.denied), 403);
    if (error instanceof NotFoundError) return context.html(problem(...TEXT.problem.missing), 404);
    if (error instanceof SdkError) return context.html(problem(...TEXT.problem.unavailable), 502);
    return context.html(problem(...TEXT.problem.failed), 500);
  });
  return app;
}
