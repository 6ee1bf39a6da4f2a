import { defineRemediation, SourceError, wording } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import { fixParams, type PlannedChange, planChange } from './change.ts';
import { openRequestsLabel } from './facts.ts';
import { shorten } from './words.ts';
import { withoutSecrets } from './without-secrets.ts';

/** Proposes the corrections of one repository. Nothing changes there until someone merges the request. */
export const proposeFix = defineRemediation({
  about: 'Opens a pull or merge request that adds `--rm` to commands of pipelines',
  title: ({ repository }) => fitTitle(`Propose changes to ${repository}`, `Propose changes`),
  risk: 'disruptive',
  allow: 'propose',
  uses: ['pipelines'],
  params: fixParams,
  plan: async (context, asked) => {
    const change = await planChange(context, asked);
    const { repository, source } = asked;
    return {
      lines: [openingLine(repository, change), ...changeLines(change)],
      targets: [`${source}:${repository}`],
      precondition: preconditionOf(change),
      impact: `Opens a pull or merge request in ${repository} with ${sizeOf(change)}; ${change.into} stays as it is until someone merges it. As with every push, the new branch may start pipelines`,
      safety: ['Wrench has no other open request in this repository'],
      afterwards: [
        'Review the request and merge it: until then, the commands continue to leave containers behind.',
        ...(change.filesLeft === 0
          ? []
          : [
              `${wording.count(change.filesLeft, 'more file')} can be corrected by the next request: run the check again after the merge.`,
            ]),
        'Containers that are already there stay. Find them with `/node leftovers`.',
      ],
    };
  },
  apply: async (context, asked, plan) => {
    const change = await planChange(context, asked);
    const { source, repository } = asked;
    const now = preconditionOf(change);
    if (Object.entries(now).some(([name, value]) => plan.precondition[name] !== value))
      throw new SourceError(source, 'refused', `${repository} has changed since the plan was approved`);
    const { write, applyContext, recordStep } = context;
    const { id, url } = await write.pipelines(source).propose(
      {
        repository,
        into: change.into,
        commit: change.commit,
        branch: `wrench/docker-run-${applyContext.idempotencyKey}`,
        title: 'Remove containers of pipelines when they exit',
        body: bodyOf(change, applyContext.idempotencyKey),
        files: change.files.map(({ path, from, to }) => ({ path, from, to })),
      },
      applyContext,
    );
    await recordStep(`${repository}: opened ${id} ${url}`);
  },
  settlesWithinSeconds: 120,
  provenBy: (asked) => ({ label: openRequestsLabel(asked), value: 1 }),
});

function sizeOf({ files }: PlannedChange): string {
  const lines = files.reduce((sum, file) => sum + file.lines.length, 0);
  return `${wording.count(lines, 'changed line')} in ${wording.count(files.length, 'file')}`;
}

function openingLine(repository: string, change: PlannedChange): string {
  return `Open a request in ${repository} to merge a new branch into ${change.into} at ${change.commit.slice(0, 12)}, with exactly these changes`;
}

const MAX_LINE_CHARS = 300;

/** `ci/test.sh:14 - docker run app` and `ci/test.sh:14 + docker run --rm app`: a diff without context. */
function changeLines({ files }: PlannedChange): readonly string[] {
  return files.flatMap(({ path, lines }) =>
    lines.flatMap(({ line, before, after }) => [
      ...before.map((text, at) => `${path}:${line + at} - ${shown(text)}`),
      ...after.map((text, at) => `${path}:${line + at} + ${shown(text)}`),
    ]),
  );
}

/** The plan is bound to every character by its precondition; what is too long to read is cut. */
function shown(line: string): string {
  return shorten(withoutSecrets(line.trim()), MAX_LINE_CHARS);
}

function preconditionOf({ commit, contentId, diffId }: PlannedChange): Readonly<Record<string, string>> {
  return { commit, content: contentId, diff: diffId };
}

function bodyOf(change: PlannedChange, id: string): string {
  const files = change.files.map(
    ({ path, lines }) =>
      `- \`${path.replaceAll('`', "'")}\`: ${wording.list(
        lines.map(({ line }) => `line ${line}`),
        20,
      )}`,
  );
  return [
    'These commands start containers that stay on the machine after they have exited, and fill its disk over time. With `--rm`, Docker removes each container when it exits.',
    '',
    ...files,
    '',
    `Proposed by Wrench: check \`/ci docker-run\`, fix \`${id}\`. In Slack, \`/wrench audit --fix ${id}\` shows who requested and approved it.`,
  ].join('\n');
}
