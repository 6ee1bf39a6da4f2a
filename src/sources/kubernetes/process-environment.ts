/** Wrench's own settings, including Slack tokens and the Redis password. */
const OWN_SETTINGS = /^(SLACK|REDIS|WRENCH)_/;

/** The environment of an exec plugin: everything but Wrench's own settings. */
export function pluginEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN_SETTINGS.test(name)));
}

/** The address of the API server, from the variables that the kubelet sets in every container. */
export function serviceAddress(): { readonly host: string; readonly port: string } | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  return host && port ? { host, port } : undefined;
}
