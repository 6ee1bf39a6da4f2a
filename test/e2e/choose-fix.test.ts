import { afterEach, expect, test } from 'vitest';
import { type FakeSystem, makeFakeSystem, makeFixableCheck } from '../world/fake-system.ts';
import { makeCatalogue } from '../world/lab-checks.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, INCIDENT, KATE, openToAll, setStage, type Stage } from './harness.ts';

let stage: Stage;
let system: FakeSystem;
afterEach(async () => {
  await stage.close();
});

const THINGS = ['pump', 'fan', 'belt', 'valve', 'hose', 'lamp', 'gear'];

async function start(options: { readonly isGrouped?: boolean; readonly requireReason?: boolean } = {}) {
  const { isGrouped = false, requireReason = false } = options;
  system = makeFakeSystem(THINGS);
  system.isGrouped = isGrouped;
  const catalogue = makeCatalogue({ things: makeFixableCheck(system, 'safe') });
  const remediations = { ...openToAll.remediations, requireReason };
  stage = await setStage({ delivery: 'http', catalogue, config: { remediations } });
  await stage.startWorker();
  await stage.startBot();
  await stage.workspace.command({ userId: ADA, channelId: INCIDENT, command: '/lab', text: 'things' });
}

const json = ({ blocks = [] }: Message) => JSON.stringify(blocks);
const thread = (): readonly Message[] => {
  const [root] = stage.workspace.messages(INCIDENT);
  return root ? stage.workspace.thread(INCIDENT, root.ts) : [];
};
const fixes = () =>
  stage.workspace.waitFor(() => thread().find((one) => json(one).includes('wrench:choose')));
const choose = async (userId: string) => {
  const { ts } = await fixes();
  await stage.workspace.click({ userId, channelId: INCIDENT, messageTs: ts, actionId: 'wrench:choose' });
};
const openView = (userId: string) => stage.workspace.waitFor(() => stage.workspace.views(userId)[0]);

interface Option {
  readonly text: { readonly text: string };
  readonly value: string;
}

/** The fixes that an open form lists. */
function optionsOf(view: object): readonly Option[] {
  const { blocks } = view as { blocks: readonly { element?: { options?: readonly Option[] } }[] };
  return blocks.flatMap(({ element }) => element?.options ?? []);
}

test('of seven fixes five have buttons, and each of them can be chosen in a form, which requests it', async () => {
  await start();
  expect(json(await fixes()).match(/"wrench:request"/g)).toHaveLength(5);
  expect(json(await fixes())).toContain('2 more fixes, one at a time');

  await choose(ADA);
  const view = await openView(ADA);
  const options = optionsOf(view.view);
  expect(options.map(({ text }) => text.text)).toEqual(THINGS.map((thing) => `Mend ${thing}`));
  expect(JSON.stringify(view.view)).toContain("Applies immediately, if it's still needed.");
  const submit = (choice: string) =>
    stage.workspace.submit({ userId: ADA, viewId: view.id, values: { fix: { choice } } });
  await submit(options.at(-1)?.value ?? '');

  await stage.workspace.waitFor(() => thread().find(({ text }) => text.includes('FIXED')));
  expect(system.applied.map(({ thing }) => thing)).toEqual(['gear']);
});

test('the form is not opened for someone who may not request fixes, who gets the reason', async () => {
  await start();

  await choose(KATE);

  await stage.workspace.waitFor(() =>
    stage.workspace
      .ephemerals(KATE, INCIDENT)
      .find(({ text }) => text.includes('You need the requester role')),
  );
  expect(stage.workspace.views(KATE)).toEqual([]);
});

test('one finding with seven targets has one button in the root; a single fix is chosen, with a reason if one is required', async () => {
  await start({ isGrouped: true, requireReason: true });
  const root = await fixes();
  expect(json(root)).toContain('"text":"Mend all 7"');
  expect(json(root).match(/"wrench:request"/g)).toHaveLength(1);
  expect(root.ts).toBe(stage.workspace.messages(INCIDENT)[0]?.ts);

  await choose(ADA);
  const view = await openView(ADA);
  const [, first] = optionsOf(view.view);
  const submit = (text: string) =>
    stage.workspace.submit({
      userId: ADA,
      viewId: view.id,
      values: { fix: { choice: first?.value ?? '' }, reason: { text } },
    });
  expect((await submit('short')).body).toMatchObject({ response_action: 'errors' });
  await submit('it leaks since this morning');

  await stage.workspace.waitFor(() => thread().find(({ text }) => text.includes('FIXED')));
  expect(system.applied).toHaveLength(1);
  expect(JSON.stringify(thread())).toContain('it leaks since this morning');
});
