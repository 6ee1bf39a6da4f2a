import type { FaultInjection } from '../workspace/fault-injection.ts';
import type { Workspace } from '../workspace/start-workspace.ts';
import type { BuildNodes } from '../world/build-nodes.ts';
import type { CloudFoundry } from '../world/cloud-foundry.ts';
import type { HalfRolledDeploy } from '../world/half-rolled-deploy.ts';
import { order } from '../world/monit/ask.ts';
import type { ShopCluster } from '../world/shop-cluster.ts';
import { PEOPLE } from './people.ts';
import type { ShopCertificate } from './shop-certificate.ts';
import type { ShopRepository } from './shop-repository.ts';

/** Enough to fill etcd's small quota many times over. */
const MOST_WRITES = 500;
const WRITE_BYTES = 1_000_000;

/** The parts of this demo that can be broken. */
export interface Breakable {
  readonly shop: ShopCertificate;
  readonly shopCluster: ShopCluster;
  readonly shopRepository: ShopRepository;
  readonly diego: HalfRolledDeploy;
  readonly cloudFoundry: CloudFoundry | undefined;
  readonly buildNodes: BuildNodes | undefined;
}

/** The faults that a person can inject from the page. Each result names the command to type next. */
export function makeFaultInjections(
  { shop, shopCluster, shopRepository, diego, cloudFoundry: cf, buildNodes }: Breakable,
  workspace: () => Workspace,
): readonly FaultInjection[] {
  return [
    ...(cf ? [loseKey(cf), stopMetronByHand(cf), ...loseMajority(cf), fillEtcd(cf)] : []),
    ...(buildNodes ? fillBuildNode(buildNodes) : []),
    redeployCheckout(shopCluster),
    redeployApi(shopCluster),
    ...mergePipelines(shopRepository),
    helpDeploy(diego),
    ...expireCertificate(shop),
    ...changeApprovers(workspace),
  ];
}

/** The outage of "The Day I Broke Every VM in Cloud Foundry", 2016. */
function loseKey({ breakDoppler, loggregator }: CloudFoundry): FaultInjection {
  return {
    label: 'Let doppler_z2/0 lose its key in etcd',
    about: 'It keeps running but no longer registers itself. Within seconds metron_agent fails on every VM.',
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
    about: 'As after forgotten maintenance: monit no longer monitors it.',
    run: async () => {
      await order(loggregator.vm('doppler_z3/0').monit, 'metron_agent', 'stop');
      return 'metron_agent is stopped on doppler_z3/0, and monit does not restart it. Type /bosh processes';
    },
  };
}

function loseMajority({ etcd }: CloudFoundry): readonly FaultInjection[] {
  const victims = [1, 2] as const;
  return [
    {
      label: 'Stop two of three etcd members',
      about: 'Without a majority, no one can read which dopplers are registered.',
      run: async () => {
        await Promise.all(victims.map(etcd.kill));
        return 'Two of three members are down, so etcd has no majority. Type /etcd health or /etcd doppler';
      },
    },
    {
      label: 'Start the etcd members again',
      about: 'With their existing data.',
      restores: true,
      run: async () => {
        await Promise.all(victims.map(etcd.start));
        return 'All three members respond.';
      },
    },
  ];
}

function fillEtcd({ etcd }: CloudFoundry): FaultInjection {
  return {
    label: 'Fill etcd until it rejects writes',
    about: 'Writes one key again and again. etcd keeps every version.',
    run: async () => {
      const value = 'x'.repeat(WRITE_BYTES);
      for (let writes = 0; writes < MOST_WRITES; writes++) {
        const { status } = await etcd.putV3('/demo/filling', value);
        if (status !== 200) return 'etcd rejects writes with NOSPACE. Type /etcd health';
      }
      throw new Error('etcd still accepts writes');
    },
  };
}

/** The outage of a CI cluster in 2018, whose builds left their containers behind until Jenkins was evicted. */
function fillBuildNode({ fill, clean }: BuildNodes): readonly FaultInjection[] {
  return [
    {
      label: 'Run builds without --rm on build-1',
      about:
        'Each build leaves stopped containers on the node, until its small disk is full and Jenkins is evicted.',
      run: async () => {
        const { containers, availableShare } = await fill();
        const free = `${(availableShare * 100).toFixed(1)}% of build-1's disk is free`;
        return containers.length === 0
          ? `Already done: ${free}. Type /node disk`
          : `${containers.length} containers have stopped, and ${free}. Type /node disk`;
      },
    },
    {
      label: 'Clean up build-1 by hand',
      about: 'Removes the stopped containers and the images of the builds.',
      restores: true,
      run: async () => `Removed ${await clean()} containers.`,
    },
  ];
}

/** People who fix a workload and not its chart meet the fault again. */
function redeployCheckout({ redeploy }: ShopCluster): FaultInjection {
  return {
    label: 'Deploy checkout again from its chart',
    about: 'This resets a fixed probe, because the chart still has the old limits. Takes half a minute.',
    run: async () => {
      await redeploy();
      return 'checkout restarts in a loop. Type /pods restarts';
    },
  };
}

/** A tag that moves is not the same image on every node. */
function redeployApi({ redeployApi: redeploy }: ShopCluster): FaultInjection {
  return {
    label: 'Deploy api again from its chart',
    about: 'This resets a pinned image to its tag, for which one node still has an old copy.',
    run: async () => {
      redeploy();
      return '1 of 3 replicas of api runs an old build. Type /builds drift';
    },
  };
}

/** Until a person merges it, a pull request changes nothing. */
function mergePipelines({ merge, revert }: ShopRepository): readonly FaultInjection[] {
  return [
    {
      label: "Merge Wrench's pull request in shop/web",
      about: 'From then on, its pipelines run their tests with --rm.',
      restores: true,
      run: async () => {
        const numbers = merge().map((number) => `#${number}`);
        return numbers.length === 0
          ? 'No pull request is open. Type /ci docker-run, and approve its fix'
          : `Merged ${numbers.join(', ')}. Type /ci docker-run`;
      },
    },
    {
      label: 'Remove --rm from the pipelines of shop/web again',
      about: 'Reverts the pull request.',
      run: async () => {
        revert();
        return '3 commands in 2 pipelines leave their containers behind. Type /ci docker-run';
      },
    },
  ];
}

/** In the outage of 2019, the deploy hung at the first cell until a person had replaced its certificates. */
function helpDeploy({ isHanging, replaceByHand }: HalfRolledDeploy): FaultInjection {
  return {
    label: 'Replace the certificates of diego-cell/1 by hand',
    about: 'And restart its processes with monit, so that the deploy continues. It hangs after a renewal.',
    restores: true,
    run: async () => {
      if (!isHanging()) return 'No deploy hangs. Renew the expired certificates first: type /certs expiring';
      await replaceByHand();
      return 'The deploy has ended, and all cells serve the new certificates. Type /certs drift';
    },
  };
}

function expireCertificate({ expire, renew }: ShopCertificate): readonly FaultInjection[] {
  return [
    {
      label: 'Let the certificate of shop.test expire',
      about: 'It is in a file that no one checks, and its renewal was forgotten.',
      run: async () => {
        await expire();
        return 'shop.pem has expired. The next digest in #platform reports it, or type /certs expiring --match shop';
      },
    },
    {
      label: 'Renew the certificate of shop.test',
      about: 'For 13 months. The next digest reports that too.',
      restores: true,
      run: async () => {
        await renew();
        return 'shop.pem has been renewed. The next digest in #platform reports it';
      },
    },
  ];
}

function changeApprovers(workspace: () => Workspace): readonly FaultInjection[] {
  return [
    {
      label: 'Remove Grace from @platform-leads',
      about: 'This group lets her approve. Try it while a plan waits for her approval.',
      run: async () => {
        workspace().setGroup(PEOPLE.leads, []);
        return 'Grace is no longer in the group. Wrench refuses her approvals from now on';
      },
    },
    {
      label: 'Add Grace to @platform-leads',
      about: 'She can approve again.',
      restores: true,
      run: async () => {
        workspace().setGroup(PEOPLE.leads, [PEOPLE.grace]);
        return 'Grace is in the group again.';
      },
    },
  ];
}
