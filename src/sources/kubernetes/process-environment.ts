/** Our own settings, which hold the tokens of Slack and the password of Redis. */
const OWN_SETTINGS = /^(SLACK|REDIS|WRENCH)_/;

/** What an exec plugin inherits, such as PATH, HOME and the settings of its cloud. */
export function pluginEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN_SETTINGS.test(name)));
}

/** Where the API server is, as the kubelet tells every container of a pod. */
export function serviceAddress(): { readonly host: string; readonly port: string } | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  return host && port ? { host, port } : undefined;
}
