/** Marker that scaffold leaves in code that a person has to write. */
export const MARKER = 'AMEIDE_SCAFFOLD';
