import { readFileSync } from 'node:fs';

/**
 * The responses of an engine with many stopped containers: recorded from Docker 20.10 with one container,
 * and multiplied. Each container has its own id, name and size.
 */
export interface EngineContent {
  readonly version: Buffer;
  readonly info: Buffer;
  /** With or without the sizes. */
  readonly list: (withSizes: boolean) => Buffer;
  /** By id. */
  readonly inspections: ReadonlyMap<string, Buffer>;
  readonly usage: Buffer;
}

/** A day after the containers finished. */
export const ASKED_AT = '2026-11-28T09:22:32Z';

interface Recorded {
  readonly version: object;
  readonly info: object;
  readonly row: Row;
  readonly inspection: { readonly Name: string };
  readonly usage: object;
}

interface Row {
  readonly Id: string;
  readonly Names: readonly string[];
}

export function makeEngineContent(containers: number): EngineContent {
  const file = new URL('engine-answers.json', import.meta.url);
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as Recorded;
  const { row, inspection } = recorded;
  const ids = Array.from({ length: containers }, (_, at) => idAt(row.Id, at));
  const rows = ids.map((Id, at) => ({ ...row, Id, Names: [`/${nameAt(at)}`], SizeRw: 1_000 + at }));
  // JSON has no undefined values.
  const unsized = rows.map((one) => ({ ...one, SizeRw: undefined, SizeRootFs: undefined }));
  const lists = { sized: json(rows), unsized: json(unsized) };
  const parts = JSON.stringify({ ...inspection, Name: NAME }).split(row.Id);
  return {
    version: json(recorded.version),
    info: json({ ...recorded.info, Containers: containers, ContainersStopped: containers }),
    list: (withSizes) => (withSizes ? lists.sized : lists.unsized),
    inspections: new Map(
      ids.map((id, at) => [id, Buffer.from(parts.join(id).replace(NAME, `/${nameAt(at)}`))]),
    ),
    // Engines before API 1.42 measure the containers here too.
    usage: json({ ...recorded.usage, Containers: rows }),
  };
}

const NAME = '/name';

function nameAt(at: number): string {
  return `elastic_morse_${at}`;
}

const DIGITS = 8;

/** It ends with the number. */
function idAt(id: string, at: number): string {
  return id.slice(0, -DIGITS) + String(at).padStart(DIGITS, '0');
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
