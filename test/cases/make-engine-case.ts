import type { ServedContainer } from '../world/docker/objects.ts';
import type { CaseAnswer, CaseFile } from './case-file.ts';
import { CASE_NOW } from './make-case.ts';

export interface EngineCaseRequest {
  /** Default `build-1`. */
  readonly engine?: string;
  readonly containers: readonly ServedContainer[];
  /**
   * As `GET /images/json` and `GET /system/df` respond. Default: an engine without images and disk usage.
   */
  readonly images?: readonly object[];
  readonly usage?: object;
  /** Replaces or adds responses, by request: `GET /system/df`. */
  readonly answers?: Readonly<Record<string, Pick<CaseAnswer, 'status' | 'body'>>>;
}

/** A case with one container engine for `node/leftovers`, like those in files. */
export function makeEngineCase(request: EngineCaseRequest): CaseFile {
  const { engine = 'build-1', containers, images, usage } = request;
  const inspections = containers.map(({ row, inspection }) => [
    `GET /containers/${row.Id.slice(0, 12)}/json`,
    inspection,
  ]);
  const bodies: Readonly<Record<string, unknown>> = {
    'GET /version': { Version: '27.5.1', ApiVersion: '1.47', MinAPIVersion: '1.24', Os: 'linux' },
    'GET /info': { Name: engine, ServerVersion: '27.5.1', DockerRootDir: '/var/lib/docker' },
    'GET /containers/json?all=1': containers.map(({ row }) => row),
    ...Object.fromEntries(inspections),
    ...(images && { 'GET /images/json': images }),
    ...(usage && { 'GET /system/df': usage }),
  };
  const usual = Object.entries(bodies).map(([asked, body]) => [asked, { status: 200, body }] as const);
  const answers = { ...Object.fromEntries(usual), ...request.answers };
  return {
    case: 'made by a test',
    check: 'node/leftovers',
    now: CASE_NOW,
    answers: Object.entries(answers).map(([asked, answer]) => ({
      from: `engine:${engine}`,
      request: asked,
      ...answer,
    })),
  };
}
