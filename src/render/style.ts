import { styleText } from 'node:util';

/** How text for people is marked; without colour every method returns its argument. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

/** A style that colours, or one that does not. */
export function createStyle(color: boolean): Style {
  const paint = (format: keyof Style) => (text: string) =>
    color && text !== '' ? styleText(format, text, { validateStream: false }) : text;
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
  };
}
