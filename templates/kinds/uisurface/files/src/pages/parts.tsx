import { day, moment, TEXT } from './text.ts';

/** Why a form was not accepted. */
export interface Fault {
  readonly text: string;
  /** Whether it is about the title, which is marked. */
  readonly isTitle?: boolean;
  /** A way on. */
  readonly link?: { readonly path: string; readonly text: string };
}

/** The last action of the user, if there was one. */
export function Done({ action }: { readonly action: string | undefined }) {
  if (action !== 'created' && action !== 'renamed') return null;
  return (
    <div class="message" role="status">
      {TEXT.done[action]}
    </div>
  );
}

/** The fault of a form, at the top of its page, which begins there. */
export function FaultSummary({ fault }: { readonly fault: Fault | undefined }) {
  if (fault === undefined) return null;
  return (
    // With the focus there, who cannot see the page hears the fault first.
    <div class="message problem" role="alert" tabindex={-1} autofocus>
      <h2>{TEXT.fault.heading}</h2>
      <p>{fault.isTitle ? <a href="#title">{fault.text}</a> : fault.text}</p>
      {fault.link && (
        <p>
          <a href={fault.link.path}>{fault.link.text}</a>
        </p>
      )}
    </div>
  );
}

interface TitleFieldProps {
  readonly value: string;
  readonly longest: number;
  readonly fault: Fault | undefined;
}

/** The input of a title, with its label, hint and fault. */
export function TitleField({ value, longest, fault }: TitleFieldProps) {
  const isInvalid = fault?.isTitle === true;
  return (
    <div class={isInvalid ? 'field invalid' : 'field'}>
      <label for="title">{TEXT.form.label}</label>
      <p class="hint" id="title-hint">
        {TEXT.form.hint}
      </p>
      {isInvalid && (
        <p class="fault" id="title-fault">
          <span class="hidden">{`${TEXT.fault.prefix}: `}</span>
          {fault.text}
        </p>
      )}
      <input
        id="title"
        name="title"
        value={value}
        maxlength={longest}
        required
        aria-invalid={isInvalid ? 'true' : undefined}
        aria-describedby={isInvalid ? 'title-fault title-hint' : 'title-hint'}
      />
    </div>
  );
}

/** A point in time, or with `isDay` only its day. */
export function Time({ at, isDay = false }: { readonly at: Date; readonly isDay?: boolean }) {
  return <time datetime={at.toISOString()}>{isDay ? day(at) : moment(at)}</time>;
}
