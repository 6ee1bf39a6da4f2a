/**
 * The first part of the names of queues that services of OpenStack call one another through, up to a dot or the end: `conductor`, `compute.cmp-12`,
 * `cinder-volume.ctl-1@lvm`. A call that is lost there leaves an instance, a port or a volume half changed.
 */
const TOPICS: ReadonlySet<string> = new Set(
  (
    'conductor scheduler compute console consoleauth cells cert network volume ' +
    'l3_agent dhcp_agent metering_agent bgp_dragent lbaas_agent lbaasv2_agent n-lbaas_agent ' +
    'engine engine_worker heat-engine-listener ha_engine masakari_engine ' +
    'central producer worker mdns agent pool_manager zone_manager sink ' +
    'mistral_engine mistral_executor mistral_event_engine mistral_notifier murano octavia_provisioning_v2 ' +
    'barbican ironic zaqar'
  ).split(' '),
);

/** The same for names that begin like this: `q-plugin`, `q-agent-notifier-port-update_fanout`, `neutron-vo-Port-1.9`. */
const TOPIC_PREFIXES =
  /^(?:q-|neutron-|nova-|cinder-|manila-|magnum-|trove-|sahara-|senlin-|heat-|glance-|designate-|octavia|watcher\.|ironic)/;

/** Replies to one process, copies for each process, and names that the broker chose for one connection. */
const OF_ONE_PROCESS = /^reply_|_fanout(?:$|[_.])|^amq\./;

/** Notifications are events for other programs: https://docs.openstack.org/nova/latest/admin/notifications.html */
const NOTIFICATIONS = /^(?:[\w-]*[_-])?notifications\.(?:debug|info|audit|warn|error|critical|sample)$/;

/**
 * Whether a queue carries calls between the processes of OpenStack, or replies to them, by its name. Such a queue must never be purged: the messages in it
 * are work that someone waits for. https://docs.openstack.org/oslo.messaging/latest/admin/rabbit.html
 */
export function isRpcQueue(name: string): boolean {
  const lower = name.trim().toLowerCase();
  if (OF_ONE_PROCESS.test(lower)) return true;
  if (NOTIFICATIONS.test(lower)) return false;
  return TOPICS.has(lower.split(/[.@:]/)[0]!) || TOPIC_PREFIXES.test(lower);
}
