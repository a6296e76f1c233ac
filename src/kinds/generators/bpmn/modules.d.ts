/** Types of packages that have none. */
declare module 'saxen' {
  /** Position of the parser; lines and columns from 0. Counts from the start of the text on each call. */
  export type GetContext = () => { readonly line: number; readonly column: number };

  export class Parser {
    /** Names the namespaces: URI -> the prefix that elements and attributes of it are reported with. */
    ns(prefixes: Readonly<Record<string, string>>): this;
    on(
      event: 'openTag',
      handler: (
        name: string,
        attributes: () => Readonly<Record<string, string>> | false,
        decode: (text: string) => string,
        selfClosing: boolean,
        context: GetContext,
      ) => void,
    ): this;
    on(event: 'closeTag', handler: (name: string) => void): this;
    on(event: 'text', handler: (text: string, decode: (text: string) => string) => void): this;
    on(event: 'cdata' | 'attention' | 'question', handler: (text: string) => void): this;
    on(event: 'error' | 'warn', handler: (error: Error, context: GetContext) => void): this;
    parse(text: string): void;
  }
}

declare module 'bpmn-moddle' {
  export class BpmnModdle {
    constructor(packages: Readonly<Record<string, unknown>>);
    fromXML(
      text: string,
      type: 'bpmn:Definitions',
    ): Promise<{ readonly warnings: readonly { readonly message: string }[] }>;
  }
}
