import type { Kubelet } from '../world/kubernetes/kubelets.ts';
import { configBody, nodeObject, type NodeRequest, statsBody } from '../world/kubernetes/objects.ts';
import type { ApiObject } from '../world/kubernetes/resources.ts';
import type { CaseAnswer, CaseFile } from './case-file.ts';

/** A node and the answers of its kubelet. */
export interface CaseNode extends NodeRequest {
  readonly name: string;
  /** Changes to {@link statsBody}, or the whole answer. */
  readonly stats?: Parameters<typeof statsBody>[1];
  /** Changes to a kubelet's defaults. */
  readonly config?: object;
  /** Replaces both the stats and the configuration. */
  readonly kubelet?: Kubelet['answers'];
}

export interface CaseRequest {
  readonly check: string;
  readonly version?: string;
  readonly nodes: readonly CaseNode[];
  readonly pods?: readonly ApiObject[];
  readonly events?: readonly ApiObject[];
  readonly daemonsets?: readonly ApiObject[];
  readonly earlier?: NonNullable<CaseFile['earlier']>;
  /** Replaces answers, by request: `GET /api/v1/pods`. */
  readonly answers?: Readonly<Record<string, Pick<CaseAnswer, 'status' | 'body'>>>;
}

/** The time of all cases. */
export const CASE_NOW = '2026-11-26T12:00:00Z';

/** A case with one cluster, like those in files. */
export function makeCase(request: CaseRequest): CaseFile {
  const { check, version = 'v1.33.5', nodes, pods = [], events = [], daemonsets = [], earlier } = request;
  const answers: Record<string, Pick<CaseAnswer, 'status' | 'body'>> = {
    'GET /version': ok({ gitVersion: version }),
    'GET /api/v1/nodes': listOf(
      'Node',
      nodes.map(({ name, ...node }) => nodeObject(name, node)),
    ),
    'GET /api/v1/pods': listOf('Pod', pods),
    'GET /api/v1/events': listOf('Event', events),
    'GET /apis/apps/v1/daemonsets': listOf('DaemonSet', daemonsets),
    ...Object.assign({}, ...nodes.map(kubeletAnswers)),
    ...request.answers,
  };
  return {
    case: 'made by a test',
    check,
    now: CASE_NOW,
    answers: Object.entries(answers).map(([asked, answer]) => ({
      from: 'cluster:lab',
      request: asked,
      ...answer,
    })),
    ...(earlier && { earlier }),
  };
}

function ok(body: unknown): Pick<CaseAnswer, 'status' | 'body'> {
  return { status: 200, body };
}

function listOf(kind: string, items: readonly ApiObject[]): Pick<CaseAnswer, 'status' | 'body'> {
  return ok({ kind: `${kind}List`, metadata: { resourceVersion: '9184402' }, items });
}

function kubeletAnswers({
  name,
  stats,
  config,
  kubelet,
}: CaseNode): Readonly<Record<string, Kubelet['answers'][string]>> {
  const answers = kubelet ?? {
    '/stats/summary': { status: 200, body: statsBody(name, stats) },
    '/configz': { status: 200, body: configBody(config) },
  };
  const named = Object.entries(answers).map(([path, answer]) => [
    `GET /api/v1/nodes/${name}/proxy${path}`,
    answer,
  ]);
  return Object.fromEntries(named) as Readonly<Record<string, Kubelet['answers'][string]>>;
}

/** The same case with one answer replaced. */
export function withAnswer(file: CaseFile, request: string, status: number, body: unknown): CaseFile {
  return {
    ...file,
    answers: file.answers.map((one) => (one.request === request ? { ...one, status, body } : one)),
  };
}

/** The API server's response if a permission is missing. */
export function refusal(message: string): Pick<CaseAnswer, 'status' | 'body'> {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message };
  return { status: 403, body: { ...status, reason: 'Forbidden', code: 403 } };
}
