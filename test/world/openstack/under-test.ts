import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { startOpenStack } from './cloud.ts';
import { agentObject, networkObject, portObject, serverObject, serviceObject } from './objects.ts';

export interface CloudUnderTest {
  /** The keys of the source. */
  readonly config: object;
  /** A hypervisor with an instance. */
  readonly host: string;
  readonly close: () => Promise<void>;
}

/**
 * The clouds that the API tests run against: the one in this folder and, if WRENCH_TEST_OPENSTACK is the path of a `clouds.yaml`, the first cloud in it. The
 * credential needs the role `admin`, and WRENCH_TEST_OPENSTACK_HOST must be the name of a hypervisor with an instance. Nothing is changed there.
 */
export function cloudsUnderTest(
  env: NodeJS.ProcessEnv = process.env,
): readonly (readonly [string, () => Promise<CloudUnderTest>])[] {
  const { WRENCH_TEST_OPENSTACK: path, WRENCH_TEST_OPENSTACK_HOST: host } = env;
  const real = async (): Promise<CloudUnderTest> => {
    if (host === undefined)
      throw new Error('set WRENCH_TEST_OPENSTACK_HOST to a hypervisor with an instance');
    return { config: configOf(await readFile(path!, 'utf8')), host, close: () => Promise.resolve() };
  };
  return [['the cloud of the test world', startOwn], ...(path ? [['a real cloud', real] as const] : [])];
}

async function startOwn(): Promise<CloudUnderTest> {
  const openStack = await startOpenStack({
    networks: [networkObject('blue'), networkObject('green', { 'provider:segmentation_id': 882 })],
    ports: [portObject('fa:16:3e:5c:01:9a', { device_id: 'server-web-1' })],
    servers: [serverObject('web-1')],
    agents: [agentObject('net-1')],
    services: [serviceObject('nova-conductor', 'ctl-1'), serviceObject('nova-compute', 'cmp-1')],
  });
  const auth = { applicationCredential: openStack.addCredential() };
  return { config: { authUrl: openStack.authUrl, auth }, host: 'cmp-1', close: openStack.close };
}

interface CloudsFile {
  readonly clouds: Readonly<
    Record<
      string,
      {
        readonly auth: Readonly<Record<string, string>>;
        readonly region_name?: string;
        readonly interface?: string;
        readonly cacert?: string;
      }
    >
  >;
}

/** https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html */
function configOf(text: string): object {
  const [cloud] = Object.values((parse(text) as CloudsFile).clouds);
  if (!cloud) throw new Error('WRENCH_TEST_OPENSTACK names a file without a cloud');
  const { auth, region_name: region, interface: of, cacert: ca } = cloud;
  const login =
    auth['application_credential_id'] === undefined
      ? {
          user: {
            username: auth['username'],
            password: auth['password'],
            userDomain: auth['user_domain_name'],
            project: auth['project_name'],
            projectDomain: auth['project_domain_name'],
          },
        }
      : {
          applicationCredential: {
            id: auth['application_credential_id'],
            secret: auth['application_credential_secret'],
          },
        };
  return { authUrl: auth['auth_url'], auth: login, region, ...(of && { interface: of }), ca };
}
