import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { problem } from './pages/problem.ts';

/** Sign-in settings. */
export interface SignIn {
  /** The sign-in page; the return path is added as `rd`. Undefined: the surface answers 401. */
  readonly url: URL | undefined;
  /** The tenant of anonymous users; undefined: sign-in is required. */
  readonly anonymousTenant: string | undefined;
}

/** The user of a request. */
export interface Person {
  readonly tenant: string;
  readonly subject: string | undefined;
}

/** The format of tenants and subjects. */
const NAME = /^[!-~]{1,200}$/;

/**
 * The user of a request, from headers that the authenticating proxy sets, and removes from client requests.
 * Throws an HTTPException with status 400 if a header is malformed.
 */
export function personOf({ req }: Context, { anonymousTenant }: SignIn): Person | undefined {
  // Some proxies send an empty header for anonymous users.
  const tenant = req.header('tenant-id') || anonymousTenant;
  const subject = req.header('subject-id') || undefined;
  if (![tenant, subject].every((name) => name === undefined || NAME.test(name))) throw new HTTPException(400);
  return tenant === undefined ? undefined : { tenant, subject };
}

/** The response to an anonymous user. */
export async function askToSignIn(context: Context, { url }: SignIn): Promise<Response> {
  if (url === undefined) return context.html(problem('Sign in', 'Sign in to see this page.'), 401);
  const there = new URL(url);
  there.searchParams.set('rd', context.req.path);
  return context.redirect(there.href, 303);
}
