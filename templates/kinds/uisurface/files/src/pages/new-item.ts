import { randomUUID } from 'node:crypto';
import { html } from 'hono/html';
import type { NewItem } from '../sdk/sdk.ts';
import { layout, type Markup } from './layout.ts';

const LONGEST_TITLE = 200;

/** What a form has in it: as it was sent, or what is wrong with it. */
export type Sent = { readonly item: NewItem } | { readonly fault: string; readonly entered: NewItem };

/** A form before anything is entered. Its id stays the same when it is sent twice. */
export function emptyItem(): NewItem {
  return { requestId: randomUUID(), title: '' };
}

/** The page of the form, with what was entered and what is wrong with it. */
export function newItem(entered: NewItem, fault?: string): Markup {
  return layout(
    'New item',
    html`<form method="post">
        <input type="hidden" name="requestId" value="${entered.requestId}">
        <label>Title <input name="title" value="${entered.title}" maxlength="${LONGEST_TITLE}" required></label>
        <button>Create</button>
      </form>
      ${fault === undefined ? '' : html`<p role="alert">${fault}</p>`}`,
  );
}

/** Reads the form. What the browser checks is checked here, too. */
export function readItem(form: FormData): Sent {
  const [title, requestId] = [textOf(form, 'title').trim(), textOf(form, 'requestId')];
  // An id that the form did not have makes no request the same as another.
  const item = { requestId: /^[\da-f-]{36}$/.test(requestId) ? requestId : randomUUID(), title };
  if (title === '') return { fault: 'The title is missing.', entered: item };
  if (title.length > LONGEST_TITLE) return { fault: 'The title is too long.', entered: item };
  return { item };
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}
