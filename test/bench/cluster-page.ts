import { readFileSync } from 'node:fs';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';

/** Lists one page of 500 pods with the client and holds it. Runs as a separate process; its argument is the path of a kubeconfig. */
const [kubeconfig = ''] = process.argv.slice(2);
const config = new KubeConfig();
config.loadFromString(readFileSync(kubeconfig, 'utf8'));
const { items } = await config.makeApiClient(CoreV1Api).listPodForAllNamespaces({ limit: 500 });
if (items.length !== 500) process.exitCode = 1;
