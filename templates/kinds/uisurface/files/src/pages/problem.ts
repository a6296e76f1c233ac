import { html } from 'hono/html';
import { layout, type Markup } from './layout.ts';

/** An error page. The text must be safe to show. */
export function problem(title: string, text: string): Markup {
  return layout(title, html`<p>${text}</p>`);
}
