import { type Evidence, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { agree, be } from '../../shared/grammar.ts';
import { minorText, versionText } from './kube-version.ts';
import { apiServersField, groupByMinor, minorsText, policyField, type Problem, runsText } from './problem.ts';
import {
  API_SERVERS_MOST_APART,
  type ApiServerRange,
  CONTROLLER_MOST_BEHIND,
  type Skew,
  skewOf,
} from './skew.ts';
import { type ApiServer, type Controller, type Survey, targetIn } from './survey.ts';

/** Violations of the skew policy in the control plane. A managed control plane shows no pods, so only the API server that responded is known. */
export function controlPlaneProblems(survey: Survey): readonly Problem[] {
  return [...apiServerProblems(survey), ...controllerProblems(survey)];
}

/** An API server on a node that is down may belong to a machine that was replaced, so it is never critical. */
function apiServerProblems(survey: Survey): readonly Problem[] {
  const { apiServers, state } = survey;
  const apart = apartIn(apiServers);
  if (apart === 0) return [];
  const newest = Math.max(...apiServers.map(({ version }) => version.minor));
  const behind = apiServers.filter(({ version }) => version.minor < newest);
  const serving = apiServers.filter(({ isServing }) => isServing);
  const isViolation = apart > API_SERVERS_MOST_APART;
  const isServed = apartIn(serving.length > 0 ? serving : apiServers) > API_SERVERS_MOST_APART;
  const all = minorsOf(apiServers);
  const run = `${runsText(groupByMinor(behind), { namesOf: apiServersText, versionOf: minorsOf })}, the newest API server runs ${minorText(newest)}`;
  const limit = `at most ${wording.count(API_SERVERS_MOST_APART, 'minor version')} apart is supported`;
  return [
    {
      headline: isViolation
        ? `API servers are ${apart} minor versions apart (${all})`
        : `API servers run ${all}`,
      finding: {
        reason: 'api-servers-apart',
        severity: isServed ? 'critical' : 'warning',
        target: targetIn(state, 'kube-apiserver'),
        targets: behind.map(({ pod = 'kube-apiserver' }) => targetIn(state, pod)),
        summary: isServed
          ? `${run}: ${limit}. Upgrade the older ones one minor version at a time`
          : isViolation
            ? `${run}: ${limit}. Remove the NotReady node if it was replaced, or upgrade it before it serves again`
            : `${run}. This is supported, and normal during an upgrade. Finish it: until it is done, kubelets, controllers and kube-proxy must not be newer than ${minorText(newest - apart)}`,
        evidence: [apiServersField(survey), policyField],
      },
    },
  ];
}

/** In minor versions. */
function apartIn(servers: readonly ApiServer[]): number {
  if (servers.length === 0) return 0;
  const minors = servers.map(({ version }) => version.minor);
  return Math.max(...minors) - Math.min(...minors);
}

function minorsOf(servers: readonly ApiServer[]): string {
  return minorsText(servers.map(({ version }) => version));
}

/** The names of their pods, and which are on nodes that are not ready. */
function apiServersText(servers: readonly ApiServer[]): string {
  return wording.list(
    servers.map(({ pod = 'the API server that responded', isServing }) =>
      isServing ? pod : `${pod} (on a NotReady node)`,
    ),
  );
}

/** A controller is compared with the API server on its own node if there is one, because it uses that one. */
function controllerProblems(survey: Survey): readonly Problem[] {
  const { controllers, range } = survey;
  const judged = controllers.flatMap((controller) => {
    const { local } = controller;
    const limits = local ? { oldest: local.version, newest: local.version } : range;
    const skew = limits && skewOf(controller.version, limits, CONTROLLER_MOST_BEHIND);
    return limits && skew !== undefined && skew !== 'supported' ? [{ controller, limits, skew }] : [];
  });
  const groups = Map.groupBy(judged, ({ controller, skew }) => `${controller.program} ${skew}`);
  return [...groups.values()].map((some) => controllerProblem(survey, some));
}

interface JudgedController {
  readonly controller: Controller;
  readonly limits: ApiServerRange;
  readonly skew: Exclude<Skew, 'supported'>;
}

function controllerProblem(survey: Survey, some: readonly JudgedController[]): Problem {
  const [first] = some;
  if (!first) throw new TypeError('a group has members');
  const { state } = survey;
  const { skew } = first;
  const { program } = first.controller;
  const limitOf = ({ limits }: JudgedController) => (skew === 'newer' ? limits.oldest : limits.newest);
  const limits = new Set(some.map((one) => limitOf(one).minor));
  const [says, fix] =
    skew === 'newer'
      ? ['a newer one is not supported', 'Upgrade the API servers first']
      : [
          `at most ${wording.count(CONTROLLER_MOST_BEHIND, 'minor version')} older is supported`,
          `Upgrade ${some.length === 1 ? 'it' : 'them'}`,
        ];
  const minors = minorsText(some.map(({ controller }) => controller.version));
  const server =
    limits.size === 1 ? `the API server (${versionText(limitOf(first))})` : 'the API server on the same node';
  const groups = Map.groupBy(some, (one) => `${one.controller.version.minor} ${limitOf(one).minor}`);
  const clauses = [...groups.values()].map((alike) => {
    const [one = first] = alike;
    const pods = wording.list(alike.map(({ controller }) => controller.pod));
    return `${pods} ${agree(alike.length, { one: 'runs', many: 'run' })} ${minorText(one.controller.version.minor)} under API server ${minorText(limitOf(one).minor)}`;
  });
  const evidence: readonly Evidence[] = [
    ...some.map(({ controller }) => field(controller.pod, controller.version.raw)),
    apiServersField(survey),
    policyField,
  ];
  return {
    headline: `${program} ${minors} ${agree(new Set(some.map(({ controller }) => controller.version.minor)).size, be(skew === 'newer' ? 'newer than' : 'too old for'))} ${server}`,
    finding: {
      reason: skew === 'newer' ? 'controller-newer-than-api-server' : 'controller-too-old',
      severity: some.every(({ controller }) => controller.isReleasedSeparately) ? 'warning' : 'critical',
      target: targetIn(state, program),
      targets: some.map(({ controller }) => targetIn(state, controller.pod)),
      summary: `${wording.list(clauses, clauses.length)}: ${says}. ${fix}`,
      evidence,
    },
  };
}
