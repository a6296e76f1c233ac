import { readFileSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { csrf } from 'hono/csrf';
import { etag } from 'hono/etag';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import type { Logger } from 'pino';
import { NotImplementedError } from './failures.ts';
import { home } from './pages/home.ts';
import { emptyForm, formPage, readForm } from './pages/new.ts';
import { problem } from './pages/problem.ts';
import { callerOf, logRequests, type RequestEnv } from './requests.ts';
import { DeniedError, InputError, type Sdk, SdkError, SignInError } from './sdk/sdk.ts';
import { askToSignIn, type SignIn } from './sign-in.ts';

const LARGEST_FORM_BYTES = 16 * 1024;
const STYLE = readFileSync(new URL('./pages/style.css', import.meta.url), 'utf8');

/** Whether the process is about to end: then the readiness probe fails. */
export interface Lifecycle {
  draining: boolean;
}

/** What the routes work with. */
export interface Services {
  readonly sdk: Sdk;
  /** How long the calls of the SDK for one page may take together. */
  readonly sdkTimeoutSeconds: number;
  readonly signIn: SignIn;
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
}

/** The form that was sent. Throws an HTTPException with status 400 where the body is none. */
async function formOf({ req }: Context): Promise<FormData> {
  try {
    return await req.formData();
  } catch (cause) {
    // One that is too large is refused while it is read.
    if (cause instanceof TypeError) throw new HTTPException(400, { cause });
    throw cause;
  }
}

/** The routes of this surface. */
export function createApp({ sdk, sdkTimeoutSeconds, signIn, lifecycle, log }: Services): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();
  const caller = (context: Context<RequestEnv>) => callerOf(context, signIn, sdkTimeoutSeconds);

  app.use(async (context, next) => {
    await next();
    // A connection that is kept alive would hold up the end of the process.
    if (lifecycle.draining) context.header('connection', 'close');
  });

  // Alive as long as the process can answer; a service that is down is no reason to restart this one.
  app.get('/livez', (context) => context.json({ status: 'alive' }));
  app.get('/readyz', (context) =>
    lifecycle.draining ? context.json({ status: 'draining' }, 503) : context.json({ status: 'ready' }),
  );

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
    }),
  );
  app.use(async (context, next) => {
    await next();
    // Pages show what only their caller may see.
    if (!context.res.headers.has('cache-control')) context.header('cache-control', 'no-store');
  });
  app.use(csrf());

  app.get('/style.css', etag(), (context) =>
    context.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'no-cache' }),
  );
  app.get('/', async (context) => context.html(await home(sdk, caller(context), context.req.query('after'))));
  // A page with a form: it is shown, and what was entered is read, looked at, passed on; then the browser goes on.
  app.get('/new', (context) => {
    // Who signs in only when the form is sent loses what was entered.
    caller(context);
    return context.html(formPage(emptyForm()));
  });
  app.post('/new', bodyLimit({ maxSize: LARGEST_FORM_BYTES }), async (context) => {
    const sender = caller(context);
    const { entered, fault } = readForm(await formOf(context));
    if (fault !== undefined) return context.html(formPage(entered, fault), 400);
    try {
      await sdk.createOrder(sender, entered);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return context.html(formPage(entered, 'The title is not accepted.'), 400);
    }
    return context.redirect('/', 303);
  });

  app.notFound((context) => context.html(problem('Not found', 'There is no such page.'), 404));
  app.onError((error, context) => {
    if (error instanceof HTTPException) {
      return context.html(
        problem(STATUS_CODES[error.status] ?? 'Refused', 'This request is refused.'),
        error.status,
      );
    }
    if (error instanceof NotImplementedError) {
      return context.html(problem('Not implemented', error.message), 501);
    }
    if (error instanceof InputError) {
      return context.html(problem('Bad Request', 'This request is refused.'), 400);
    }
    if (error instanceof SignInError) return askToSignIn(context, signIn);
    if (error instanceof DeniedError) {
      return context.html(problem('Not allowed', 'You may not see this.'), 403);
    }
    if (error instanceof SdkError) {
      return context.html(problem('Not available', 'A service behind this page does not answer.'), 502);
    }
    return context.html(problem('Something went wrong', 'This is our mistake, not yours.'), 500);
  });
  return app;
}
