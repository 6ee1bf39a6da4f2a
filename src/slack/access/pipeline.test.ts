import { expect, test } from 'vitest';
import type { AccessRole } from '../../store/remediation/policy.ts';
import { makeLog } from '../../telemetry/log.ts';
import { type SlackDelivery, readDelivery } from './delivery.ts';
import { type Access, admit, type Requirements } from './pipeline.ts';

const HOME = { teamId: 'T0DEMO', isEnterpriseInstall: false };
const ORGANIZATION = { teamId: 'E0ORG', enterpriseId: 'E0ORG', isEnterpriseInstall: true };

/** Who is in which group, as Slack has it; `members` knows it once it was looked up. */
interface World {
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  readonly isKnown?: boolean;
  readonly roles?: Readonly<Record<string, readonly AccessRole[]>>;
  /** People of other workspaces. */
  readonly strangers?: readonly string[];
  readonly access?: Partial<Access>;
}

function open({ groups = {}, isKnown = true, roles = {}, strangers = [], access = {} }: World = {}) {
  const seen = new Set<string>();
  const steps: string[] = [];
  const known = new Set(isKnown ? Object.keys(groups) : []);
  const opened: Access = {
    workspace: HOME,
    rules: { environments: {}, commands: {} },
    rate: { limit: 30, count: async () => (steps.push('rate'), 1) },
    isFirst: async (id) => {
      steps.push('first');
      return seen.has(id) ? false : (seen.add(id), true);
    },
    directory: {
      authorize: async (wanted, userId) => {
        steps.push('role');
        if (wanted === 'anyone')
          return strangers.includes(userId)
            ? { because: "people from other workspaces can't do this" }
            : true;
        return wanted.some((role) => roles[userId]?.includes(role)) || { because: 'needs the role' };
      },
      members: (id) => (known.has(id) ? groups[id] : undefined),
      lookUpGroups: async (ids) => {
        steps.push('lookUp');
        for (const id of ids) if (groups[id]) known.add(id);
      },
    },
    log: makeLog({ level: 'silent', secrets: [] }),
    ...access,
  };
  return { access: opened, steps };
}

const command = {
  command: '/certs',
  text: 'expiring',
  team_id: 'T0DEMO',
  user_id: 'U0ADA',
  channel_id: 'C0INCIDENT',
  trigger_id: '1.2.a',
  is_enterprise_install: 'false',
};
const now = () => (Date.now() / 1_000).toFixed(6);
const click = () => ({
  type: 'block_actions',
  user: { id: 'U0ADA', team_id: 'T0DEMO' },
  team: { id: 'T0DEMO', domain: 'demo' },
  enterprise: null,
  is_enterprise_install: false,
  channel: { id: 'C0INCIDENT' },
  message: { ts: '1.1', thread_ts: '1.0' },
  actions: [{ action_id: 'wrench:approve', action_ts: now() }],
  trigger_id: '1.2.b',
});
const modal = {
  type: 'view_submission',
  user: { id: 'U0ADA', team_id: 'T0DEMO' },
  team: { id: 'T0DEMO', domain: 'demo' },
  view: { callback_id: 'wrench:reason', private_metadata: '{"button":"approve","channelId":"C0INCIDENT"}' },
  trigger_id: '1.2.c',
};
const event = () => ({
  type: 'event_callback',
  team_id: 'T0DEMO',
  event: { type: 'app_mention', user: 'U0ADA', channel: 'C0INCIDENT' },
  event_id: 'Ev1',
  event_time: Math.floor(Date.now() / 1_000),
});
const BODIES: Readonly<Record<SlackDelivery['kind'], () => Record<string, unknown>>> = {
  command: () => command,
  click,
  modal: () => modal,
  event,
};
const KINDS = ['command', 'click', 'modal', 'event'] as const;

async function run(
  kind: SlackDelivery['kind'],
  changed: Readonly<Record<string, unknown>> = {},
  { access } = open(),
  requires: Requirements = { roles: 'anyone' },
) {
  const admission = await admit(access, readDelivery(kind, { ...BODIES[kind](), ...changed }), () => ({
    subject: 'subject',
    requires,
  }));
  return admission.kind === 'refused'
    ? `${admission.refusal.rule}: ${admission.refusal.because}`
    : admission.kind;
}

test.each(KINDS)('a %s from the own workspace is admitted', async (kind) => {
  await expect(run(kind)).resolves.toBe('admitted');
});

const orgWide = {
  team_id: 'T0EAST',
  enterprise_id: 'E0ORG',
  team: null,
  enterprise: { id: 'E0ORG', name: 'Org' },
  is_enterprise_install: true,
  authorizations: [{ enterprise_id: 'E0ORG', team_id: null, user_id: 'U0BOT', is_enterprise_install: true }],
};

test.each(KINDS)(
  'in an organization-wide installation only the organization of a %s is compared',
  async (kind) => {
    const world = () => open({ access: { workspace: ORGANIZATION } });

    await expect(run(kind, orgWide, world())).resolves.toBe('admitted');
    await expect(
      run(
        kind,
        {
          ...orgWide,
          enterprise_id: 'E0OTHER',
          enterprise: { id: 'E0OTHER' },
          authorizations: [{ enterprise_id: 'E0OTHER', team_id: 'T0EAST', is_enterprise_install: true }],
        },
        world(),
      ),
    ).resolves.toMatch(/^workspace: this Wrench is installed in another workspace/);
    await expect(run(kind, {}, world())).resolves.toMatch(/^workspace:/);
  },
);

test.each(KINDS)('a %s from another workspace, or from none, is refused', async (kind) => {
  const foreign = { team_id: 'T0OTHER', team: { id: 'T0OTHER' } };

  await expect(run(kind, foreign)).resolves.toMatch(/^workspace:/);
  await expect(run(kind, { team_id: null, team: null })).resolves.toMatch(/^workspace:/);
  await expect(run(kind, orgWide)).resolves.toMatch(/^workspace:/);
});

test('if a workspace belongs to an organization, both are compared', async () => {
  const workspace = { teamId: 'T0DEMO', enterpriseId: 'E0ORG', isEnterpriseInstall: false };

  await expect(run('click', { enterprise: { id: 'E0ORG' } }, open({ access: { workspace } }))).resolves.toBe(
    'admitted',
  );
  await expect(run('click', { enterprise: { id: 'E0X' } }, open({ access: { workspace } }))).resolves.toMatch(
    /^workspace:/,
  );
});

test('the installation of an event is in its authorizations, not in its team_id', async () => {
  const shared = { team_id: 'T0PARTNER', authorizations: [{ team_id: 'T0DEMO', enterprise_id: null }] };

  await expect(run('event', shared)).resolves.toBe('admitted');
  await expect(
    run('event', { team_id: 'T0DEMO', authorizations: [{ team_id: 'T0PARTNER' }] }),
  ).resolves.toMatch(/^workspace:/);
});

const at = (secondsAgo: number) => Date.now() / 1_000 - secondsAgo;

test.each([
  [
    'six minutes ago',
    at(360),
    'age: this click reached Wrench 6 minutes late, so nothing was done. Click again.',
  ],
  ['three days ago', at(3 * 86_400), /^age: this click reached Wrench 3 days late/],
  [
    'in six minutes',
    at(-360),
    'age: this click is dated 6 minutes in the future, so nothing was done. Click again.',
  ],
  ['four minutes ago', at(240), 'admitted'],
  ['in four minutes', at(-240), 'admitted'],
  ['never', undefined, /^age: this click has no valid time/],
  ['"soon"', 'soon', /^age: this click has no valid time/],
  ['in an unknown unit', Date.now(), /^age: this click has no valid time/],
])('a click made %s', async (_, time, answer) => {
  const action = {
    action_id: 'wrench:approve',
    action_ts: typeof time === 'number' ? time.toFixed(6) : time,
  };
  await expect(run('click', { actions: [action] })).resolves.toMatch(answer);
});

test.each([
  [
    'an hour ago',
    Math.floor(at(3_600)),
    /^age: this message reached Wrench 60 minutes late, so nothing was done\.$/,
  ],
  ['in an hour', Math.floor(at(-3_600)), /^age: this message is dated/],
  ['never', null, /^age: this message has no valid time/],
])('an event of %s is refused', async (_, time, words) => {
  await expect(run('event', { event_time: time })).resolves.toMatch(words);
});

test.each(['click', 'modal', 'event'] as const)(
  'a %s is handled once, and a refused one is refused once',
  async (kind) => {
    const world = open();
    await expect(run(kind, {}, world)).resolves.toBe('admitted');
    await expect(run(kind, {}, world)).resolves.toBe('repeated');

    const other = open();
    const foreign = { team_id: 'T0OTHER', team: { id: 'T0OTHER' } };
    await expect(run(kind, foreign, other)).resolves.toMatch(/^workspace:/);
    await expect(run(kind, foreign, other)).resolves.toBe('repeated');
  },
);

test('a repeated command gets the same answer', async () => {
  const world = open();

  await expect(run('command', {}, world)).resolves.toBe('admitted');
  await expect(run('command', {}, world)).resolves.toBe('admitted');
});

test.each([
  ['command', { user_id: '' }],
  ['command', { user_id: 'ada' }],
  ['click', { user: null }],
  ['click', { user: { id: 42 } }],
  ['modal', { user: {} }],
  ['event', { event: { type: 'message', user: 'U0ADA', bot_id: 'B0OTHER' } }],
  ['click', { user: { id: 'U0BOT', is_bot: true } }],
  ['event', { event: null }],
  ['command', { trigger_id: undefined }],
  ['click', { trigger_id: 7 }],
  ['event', { event_id: undefined }],
] as const)('a %s without a sender or an id, or from a bot, is refused: %j', async (kind, changed) => {
  const world = open();

  await expect(run(kind, changed, world)).resolves.toMatch(/^who:/);
  expect(world.steps).toEqual([]);
});

test.each([
  undefined,
  null,
  0,
  '',
  'text',
  [],
  {},
  { actions: 'none', view: { private_metadata: '{' }, event: [] },
])('a malformed body is refused and never throws: %j', async (body) => {
  for (const kind of KINDS) {
    const admission = await admit(open().access, readDelivery(kind, body), () => {
      throw new Error('resolved');
    });
    expect(admission.kind).toBe('refused');
  }
});

test('the steps run in order, and none runs after a refusal', async () => {
  const world = open({ roles: { U0ADA: ['approver'] } });
  await run('click', {}, world, { roles: ['approver'] });
  expect(world.steps).toEqual(['first', 'rate', 'role']);

  const other = open();
  await run('command', { team_id: 'T0OTHER' }, other);
  expect(other.steps).toEqual([]);
});

test('the role is looked up for the person, and a person from another workspace is refused before that', async () => {
  const roles = { U0ADA: ['requester'] as const };
  const requires = { roles: ['approver'] } as const;

  await expect(run('click', {}, open({ roles }), { roles: ['requester'] })).resolves.toBe('admitted');
  await expect(run('click', {}, open({ roles }), requires)).resolves.toMatch(/^role: needs the role/);
  const world = open({ roles });
  const partner = { user: { id: 'U0ADA', team_id: 'T0PARTNER' } };
  await expect(run('click', partner, world, { roles: ['requester'] })).resolves.toMatch(
    /^workspace: people from other workspaces/,
  );
  expect(world.steps).not.toContain('role');
  const inOrganization = open({ roles, access: { workspace: ORGANIZATION } });
  const guest = { ...orgWide, user: { id: 'U0ADA', team_id: 'T0X', enterprise_id: 'E0OTHER' } };
  await expect(run('click', guest, inOrganization, { roles: ['requester'] })).resolves.toMatch(
    /^workspace: people/,
  );
  await expect(
    run('modal', { ...orgWide, user: { id: 'U0ADA', team_id: 'T0WEST' } }, inOrganization, {
      roles: ['requester'],
    }),
  ).resolves.toBe('admitted');
});

test('the 31st command or click within a minute is refused, and none is if Redis does not respond', async () => {
  const counted = (number: number) => open({ access: { rate: { limit: 30, count: async () => number } } });
  for (const kind of ['command', 'click', 'modal'] as const) {
    await expect(run(kind, {}, counted(30))).resolves.toBe('admitted');
    await expect(run(kind, {}, counted(31))).resolves.toMatch(
      /^limits.perPersonPerMinute: sent more than 30/,
    );
  }
  const { access } = counted(31);
  const subject = () => ({ subject: 'subject', requires: { roles: 'anyone' } }) as const;
  await expect(admit(access, readDelivery('click', BODIES.click()), subject)).resolves.toMatchObject({
    refusal: { toPerson: expect.stringMatching(/^you sent more than 30 .*; wait a minute/) as string },
  });
  const away = open({ access: { rate: { limit: 30, count: () => Promise.reject(new Error('away')) } } });
  await expect(run('command', {}, away)).resolves.toBe('admitted');
  const silent = open({ access: { rate: { limit: 30, count: () => new Promise(() => undefined) } } });
  await expect(run('command', {}, silent)).resolves.toBe('admitted');
});

const scope = { environment: 'prod', area: 'certs' };
const asks: Requirements = { roles: 'anyone', scope };
const rules = {
  environments: { prod: { askFrom: { groups: ['S0ONCALL'] } }, stage: {} },
  commands: { certs: { askFrom: { channels: ['C0INCIDENT'], groups: ['S0CERTS', 'S0LEADS'] } } },
};
const ALL = { S0ONCALL: ['U0ADA'], S0CERTS: [], S0LEADS: ['U0ADA'] };

test('both askFrom rules must allow a request', async () => {
  const world = (groups: World['groups'] = ALL) => open({ groups, access: { rules } });

  await expect(run('command', {}, world(), asks)).resolves.toBe('admitted');
  await expect(run('command', { channel_id: 'C0OTHER' }, world(), asks)).resolves.toMatch(
    /^commands\.certs\.askFrom\.channels: commands\.certs\.askFrom\.channels doesn't include this channel/,
  );
  await expect(run('command', { channel_id: 'D0DIRECT' }, world(), asks)).resolves.toMatch(/channels/);
  await expect(run('command', { channel_id: undefined }, world(), asks)).resolves.toMatch(/channels/);
  await expect(run('command', {}, world({ ...ALL, S0ONCALL: [] }), asks)).resolves.toMatch(
    /^environments\.prod\.askFrom\.groups/,
  );
  await expect(run('command', {}, world({ ...ALL, S0LEADS: [] }), asks)).resolves.toMatch(
    /^commands\.certs\.askFrom\.groups/,
  );
});

test('a rule of groups alone allows direct messages', async () => {
  const onlyGroups = { environments: rules.environments, commands: {} };
  const world = open({ groups: ALL, access: { rules: onlyGroups } });

  await expect(run('command', { channel_id: 'D0DIRECT' }, world, asks)).resolves.toBe('admitted');
});

test('names such as constructor match no rule', async () => {
  const odd = { roles: 'anyone', question: { environment: 'constructor', area: '__proto__' } } as const;

  await expect(run('command', {}, open({ access: { rules } }), odd)).resolves.toBe('admitted');
});

test('if the members of a group are unknown, the decision follows after a lookup, and nothing is awaited', async () => {
  const decide = async (groups: NonNullable<World['groups']>) => {
    const { access, steps } = open({ groups, isKnown: false, access: { rules } });
    const admission = await admit(access, readDelivery('command', command), () => ({
      subject: 'subject',
      requires: asks,
    }));
    expect(steps).toEqual(['rate']);
    if (admission.kind !== 'undecided') throw new Error(admission.kind);
    const decided = await admission.decide();
    return decided.kind === 'refused' ? decided.refusal.because : decided.kind;
  };

  await expect(decide(ALL)).resolves.toBe('admitted');
  await expect(decide({ ...ALL, S0ONCALL: [] })).resolves.toBe(
    'needs a user group of environments.prod.askFrom.groups',
  );
  await expect(decide({ S0CERTS: [], S0LEADS: ['U0ADA'] })).resolves.toMatch(
    /^couldn't check environments\.prod\.askFrom\.groups: Slack didn't return the members of S0ONCALL/,
  );
  await expect(decide({ S0ONCALL: ['U0ADA'], S0CERTS: [] })).resolves.toMatch(
    /^couldn't check commands\.certs\.askFrom\.groups: Slack didn't return the members of S0LEADS/,
  );
});

test('a form opens after the delivery is checked for repetition, and before the role is', async () => {
  const { access, steps } = open();
  const admission = await admit(access, readDelivery('click', click()), () => ({
    form: async () => undefined,
  }));

  expect(admission.kind).toBe('form');
  expect(steps).toEqual(['first', 'rate']);
});

test('in a shared channel, a person from another workspace can click nothing, not even buttons that need no role', async () => {
  const partner = { user: { id: 'U0ADA', team_id: 'T0PARTNER' } };

  for (const kind of ['click', 'modal'] as const)
    await expect(run(kind, partner)).resolves.toMatch(/^workspace: people from other workspaces/);
});

test('a person is looked up if the delivery does not say whose workspace they are of', async () => {
  const strangers = ['U0ADA'];
  const refused = /^who: people from other workspaces/;
  const inOrganization = () => open({ strangers, access: { workspace: ORGANIZATION } });

  await expect(run('event', {}, open({ strangers }))).resolves.toMatch(refused);
  await expect(run('event', {}, open())).resolves.toBe('admitted');
  await expect(run('event', orgWide, inOrganization())).resolves.toMatch(refused);
  await expect(
    run('event', { event: { type: 'app_mention', user: 'U0ADA', team: 'T0DEMO' } }, open({ strangers })),
  ).resolves.toMatch(refused);
  await expect(run('click', { user: { id: 'U0ADA' } }, open({ strangers }))).resolves.toMatch(refused);
  for (const kind of ['click', 'modal'] as const) {
    await expect(run(kind, orgWide, inOrganization())).resolves.toMatch(refused);
    const world = open({ strangers });
    await expect(run(kind, {}, world)).resolves.toBe('admitted');
    expect(world.steps).not.toContain('role');
  }
});

test.each([
  ['a person with the role', ['U0ADA'], 'U0ADA', 'form'],
  ['a person without the role', ['U0ADA'], 'U0KATE', 'role: needs the role'],
  [
    'a person outside the user groups',
    ['U0KATE'],
    'U0ADA',
    'environments.prod.askFrom.groups: needs a user group of environments.prod.askFrom.groups',
  ],
])(
  'a form with requirements opens only for people who may submit it: %s',
  async (_, members, userId, expected) => {
    for (const isKnown of [true, false]) {
      const { access } = open({
        isKnown,
        groups: { S0PROD: [...members, 'U0KATE'] },
        roles: { U0ADA: ['requester'] },
        access: { rules: { environments: { prod: { askFrom: { groups: ['S0PROD'] } } }, commands: {} } },
      });
      const body = { ...click(), user: { id: userId, team_id: 'T0DEMO' } };
      const first = await admit(access, readDelivery('click', body), () => ({
        form: async () => undefined,
        requires: { roles: ['requester'], scope: { environment: 'prod', area: 'certs' } },
      }));
      const admission = first.kind === 'undecided' ? await first.decide() : first;
      expect(
        admission.kind === 'refused'
          ? `${admission.refusal.rule}: ${admission.refusal.because}`
          : admission.kind,
      ).toBe(expected);
    }
  },
);
