import { html } from 'hono/html';
import { layout, type Markup } from './layout.ts';

/** A page that says what went wrong, in words that are safe to show. */
export function problem(title: string, text: string): Markup {
  return layout(title, html`<p>${text}</p>`);
}
