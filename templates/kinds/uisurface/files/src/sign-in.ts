import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { problem } from './pages/problem.ts';

/** How people are told apart. */
export interface SignIn {
  /** Where they sign in: the path to come back to is added as the parameter `rd`. Without it they are told to. */
  readonly url: URL | undefined;
  /** The tenant of those who did not sign in; without it they have to. */
  readonly anonymousTenant: string | undefined;
}

/** Who a request is from. */
export interface Person {
  readonly tenant: string;
  readonly subject: string | undefined;
}

/** What services take as the name of a tenant or a subject. */
const NAME = /^[!-~]{1,200}$/;

/**
 * Who asks: what lets people in says so in headers, and takes away those that a browser sent. Throws an HTTPException
 * with status 400 where a header is no name.
 */
export function personOf({ req }: Context, { anonymousTenant }: SignIn): Person | undefined {
  // Some proxies send an empty header for who did not sign in.
  const tenant = req.header('tenant-id') || anonymousTenant;
  const subject = req.header('subject-id') || undefined;
  if (![tenant, subject].every((name) => name === undefined || NAME.test(name))) throw new HTTPException(400);
  return tenant === undefined ? undefined : { tenant, subject };
}

/** The answer to somebody who is not known. */
export async function askToSignIn(context: Context, { url }: SignIn): Promise<Response> {
  if (url === undefined) return context.html(problem('Sign in', 'This page needs to know who you are.'), 401);
  const there = new URL(url);
  there.searchParams.set('rd', context.req.path);
  return context.redirect(there.href, 303);
}
