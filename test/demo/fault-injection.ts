import type { FaultInjection } from '../workspace/fault-injection.ts';
import type { Workspace } from '../workspace/start-workspace.ts';
import type { BuildNodes } from '../world/build-nodes.ts';
import type { CloudFoundry } from '../world/cloud-foundry.ts';
import { order } from '../world/monit/ask.ts';
import { PEOPLE } from './people.ts';
import type { ShopCertificate } from './shop-certificate.ts';

/** Enough to fill etcd's small quota many times over. */
const MOST_WRITES = 500;
const WRITE_BYTES = 1_000_000;

/** What runs in this demo. */
export interface Breakable {
  readonly shop: ShopCertificate;
  readonly cloudFoundry: CloudFoundry | undefined;
  readonly buildNodes: BuildNodes | undefined;
}

/** The faults that a person can inject from the page. Each result names the command to run next. */
export function makeFaultInjections(
  { shop, cloudFoundry: cf, buildNodes }: Breakable,
  workspace: () => Workspace,
): readonly FaultInjection[] {
  return [
    ...(cf ? [loseKey(cf), stopMetronByHand(cf), ...loseMajority(cf), fillEtcd(cf)] : []),
    ...(buildNodes ? fillBuildNode(buildNodes) : []),
    ...expireCertificate(shop),
    ...changeApprovers(workspace),
  ];
}

/** The outage of "The Day I Broke Every VM in Cloud Foundry", 2016. */
function loseKey({ breakDoppler, loggregator }: CloudFoundry): FaultInjection {
  return {
    label: 'Let doppler_z2/0 lose its key in etcd',
    about: 'It runs on and announces itself no more. Within seconds metron_agent falls over on every VM.',
    run: async () => {
      await breakDoppler();
      const vms = loggregator.vms.length;
      return `doppler_z2/0 has lost its key, and metron_agent is down on ${vms} of ${vms} VMs. Type /etcd doppler`;
    },
  };
}

function stopMetronByHand({ loggregator }: CloudFoundry): FaultInjection {
  return {
    label: 'Stop metron_agent on doppler_z3/0 by hand',
    about:
      'As somebody does who looks after something else, and forgets: monit does not watch over it any more.',
    run: async () => {
      await order(loggregator.vm('doppler_z3/0').monit, 'metron_agent', 'stop');
      return 'metron_agent is stopped on doppler_z3/0, and monit leaves it so. Type /bosh processes';
    },
  };
}

function loseMajority({ etcd }: CloudFoundry): readonly FaultInjection[] {
  const victims = [1, 2] as const;
  return [
    {
      label: 'Stop two of three etcd members',
      about: 'What is left has no majority: nobody can tell who has announced itself.',
      run: async () => {
        await Promise.all(victims.map(etcd.kill));
        return 'Two of three members are gone, and the majority with them. Type /etcd health or /etcd doppler';
      },
    },
    {
      label: 'Start the etcd members again',
      about: 'With the data that they had.',
      restores: true,
      run: async () => {
        await Promise.all(victims.map(etcd.start));
        return 'All three members answer.';
      },
    },
  ];
}

function fillEtcd({ etcd }: CloudFoundry): FaultInjection {
  return {
    label: 'Fill etcd until it takes nothing more',
    about: 'One key is written again and again, and all that it ever was is kept.',
    run: async () => {
      const value = 'x'.repeat(WRITE_BYTES);
      for (let writes = 0; writes < MOST_WRITES; writes++) {
        const { status } = await etcd.putV3('/demo/filling', value);
        if (status !== 200) return 'etcd says NOSPACE to whoever writes. Type /etcd health';
      }
      throw new Error('etcd takes ever more');
    },
  };
}

/** The outage of a CI cluster in 2018, whose builds left their containers behind until Jenkins was evicted. */
function fillBuildNode({ fill, clean }: BuildNodes): readonly FaultInjection[] {
  return [
    {
      label: 'Run builds without --rm on build-1',
      about:
        'Each leaves its stopped containers on the node, until its small disk is full and Jenkins is evicted.',
      run: async () => {
        const { containers, availableShare } = await fill();
        const free = `${(availableShare * 100).toFixed(1)}% of the disk of build-1 is free`;
        return containers.length === 0
          ? `${free} already. Type /node disk`
          : `${containers.length} containers have ended, and ${free}. Type /node disk`;
      },
    },
    {
      label: 'Clean up build-1 by hand',
      about: 'Removes the stopped containers and the images of the builds.',
      restores: true,
      run: async () => `${await clean()} containers are removed.`,
    },
  ];
}

function expireCertificate({ expire, renew }: ShopCertificate): readonly FaultInjection[] {
  return [
    {
      label: 'Let the certificate of shop.test expire',
      about: 'It is in a file that nobody looks at, and nobody has renewed it.',
      run: async () => {
        await expire();
        return 'shop.pem has expired. The next digest in #platform reports it, or type /certs expiring --match shop';
      },
    },
    {
      label: 'Renew the certificate of shop.test',
      about: 'For a year and a month. The next digest reports that too.',
      restores: true,
      run: async () => {
        await renew();
        return 'shop.pem is renewed. The next digest in #platform reports it';
      },
    },
  ];
}

function changeApprovers(workspace: () => Workspace): readonly FaultInjection[] {
  return [
    {
      label: 'Take Grace out of @platform-leads',
      about: 'She may approve as one of them. Do it while a plan waits for her.',
      run: async () => {
        workspace().setGroup(PEOPLE.leads, []);
        return 'Grace is out of the group. What she approves from now on is refused';
      },
    },
    {
      label: 'Put Grace back into @platform-leads',
      about: 'Then she may approve again.',
      restores: true,
      run: async () => {
        workspace().setGroup(PEOPLE.leads, [PEOPLE.grace]);
        return 'Grace is in the group again.';
      },
    },
  ];
}
