/** The one module that a check imports, besides zod and its own folder. */
export { defineCheck, defineCommand } from '../src/check/define-check.ts';
export { duration } from '../src/check/duration.ts';
export type { ReadContext } from '../src/check/context.ts';
export type { Diagnosis, Evidence, Finding, Severity } from '../src/check/finding.ts';
export type { Certificate, Handshake, Seen } from '../src/ports/certificates.ts';
