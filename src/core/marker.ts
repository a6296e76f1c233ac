/** Marker that scaffold leaves in code that a person has to write. */
export const MARKER = 'AMEIDE_SCAFFOLD';

/** The marker with what follows it, to the end of its string or line. */
export const MARKED = new RegExp(`${MARKER}[^"'\`<\\r]*`, 'g');
