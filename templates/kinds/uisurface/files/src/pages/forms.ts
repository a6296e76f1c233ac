import type { HonoRequest } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Fault } from './parts.tsx';
import { TEXT } from './text.ts';

export const LONGEST_TITLE = 200;

/** A submitted form. */
export interface Sent {
  readonly title: string;
  /** What the user read before; empty if the form has none. */
  readonly version: string;
  readonly fault: Fault | undefined;
}

/**
 * Reads and validates a form; browsers check it too, but clients may skip that. Throws an HTTPException with status 400 if
 * the body is not a form.
 */
export async function readForm(request: HonoRequest): Promise<Sent> {
  const form = await formOf(request);
  const title = textOf(form, 'title').trim();
  return { title, version: textOf(form, 'version'), fault: faultOf(title) };
}

async function formOf(request: HonoRequest): Promise<FormData> {
  try {
    return await request.formData();
  } catch (cause) {
    // Other errors, such as the body limit, are passed on.
    if (cause instanceof TypeError) throw new HTTPException(400, { cause });
    throw cause;
  }
}

function faultOf(title: string): Fault | undefined {
  if (title === '') return { text: TEXT.fault.missing, isTitle: true };
  if (title.length > LONGEST_TITLE) return { text: TEXT.fault.long, isTitle: true };
  return /\p{Cc}/u.test(title) ? { text: TEXT.fault.control, isTitle: true } : undefined;
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}
