import type { Draft } from '../sdk/sdk.ts';
import { LONGEST_TITLE } from './forms.ts';
import { Layout } from './layout.tsx';
import { type Fault, FaultSummary, TitleField } from './parts.tsx';
import { TEXT } from './text.ts';

/** The path of a form. Its request id is in the path, so that it is the same over errors, reloads and Back. */
export function formPath(requestId: string): string {
  return `/new?request=${requestId}`;
}

/** The page with the form for a new one: with its input, and its fault if it was not accepted. */
export function newPage({ requestId, title }: Draft, fault?: Fault) {
  return (
    <Layout
      title={TEXT.form.title}
      entry="/new"
      isFault={fault !== undefined}
      message={<FaultSummary fault={fault} />}
    >
      <form method="post" action={formPath(requestId)}>
        <TitleField value={title} longest={LONGEST_TITLE} fault={fault} />
        <button type="submit">{TEXT.form.button}</button>
      </form>
    </Layout>
  );
}
