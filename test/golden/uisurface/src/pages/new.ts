import { randomUUID } from 'node:crypto';
import { html } from 'hono/html';
import type { Draft } from '../sdk/sdk.ts';
import { layout, type Markup } from './layout.ts';

const LONGEST_TITLE = 200;

/** A form as it was sent, and what is wrong with it. */
export interface Sent {
  readonly entered: Draft;
  readonly fault: string | undefined;
}

/** A form before anything is entered. Its id stays the same when it is sent twice. */
export function emptyForm(): Draft {
  return { requestId: randomUUID(), title: '' };
}

/** The page of the form, with what was entered and what is wrong with it. */
export function formPage(entered: Draft, fault?: string): Markup {
  const marked = fault === undefined ? '' : html`aria-invalid="true" aria-describedby="fault"`;
  return layout(
    'New order',
    html`<form method="post">
        <input type="hidden" name="requestId" value="${entered.requestId}">
        <label>Title <input name="title" value="${entered.title}" maxlength="${LONGEST_TITLE}" required ${marked}></label>
        <button>Create</button>
      </form>
      ${fault === undefined ? '' : html`<p id="fault" role="alert">${fault}</p>`}`,
  );
}

/** Reads the form. What the browser checks is checked here, too. */
export function readForm(form: FormData): Sent {
  const [title, requestId] = [textOf(form, 'title').trim(), textOf(form, 'requestId')];
  // An id that the form did not have makes no request the same as another.
  const entered = { requestId: /^[\da-f-]{36}$/.test(requestId) ? requestId : randomUUID(), title };
  return { entered, fault: faultOf(title) };
}

function faultOf(title: string): string | undefined {
  if (title === '') return 'The title is missing.';
  if (title.length > LONGEST_TITLE) return 'The title is too long.';
  return /\p{Cc}/u.test(title) ? 'The title has a control character.' : undefined;
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}
