import { styleText } from 'node:util';

/** Puts text after a prefix, and its further lines below its first one. */
export type Hang = (prefix: string, text: string) => string;

/** How text for people is laid out and marked; without colour the marks return their argument. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  /** One line, wrapped with a hanging indent on a terminal; not for commands and files, which must stay as they are. */
  readonly hang: Hang;
  /** Whether {@link hang} wraps. */
  readonly wraps: boolean;
}

/** A style that colours or does not. Without `hang`, as for a pipe, no line is wrapped. */
export function createStyle(color: boolean, hang?: Hang): Style {
  const paint = (format: 'bold' | 'dim' | 'red' | 'green' | 'yellow') => (text: string) =>
    color && text !== '' ? styleText(format, text, { validateStream: false }) : text;
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
    hang: hang ?? ((prefix, text) => `${prefix}${text}`),
    wraps: hang !== undefined,
  };
}
