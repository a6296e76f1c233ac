import type { Context } from 'hono';
import { problem } from './pages/problem.tsx';
import { TEXT } from './pages/text.ts';

/** Sign-in settings. */
export interface SignIn {
  /** The sign-in page; the return path is added as `rd`. Undefined: the surface answers 401. */
  readonly url: URL | undefined;
  /** The tenant of anonymous users; undefined: sign-in is required. */
  readonly anonymousTenant: string | undefined;
}

/** The response to an anonymous user. */
export async function askToSignIn(context: Context, { url }: SignIn): Promise<Response> {
  if (url === undefined) return context.html(problem(...TEXT.problem.signIn), 401);
  const there = new URL(url);
  there.searchParams.set('rd', context.req.path);
  return context.redirect(there.href, 303);
}
