/** What wakes somebody, of the series of docs/operations.md; thresholds for a shop with traffic. */

interface Alert {
  readonly alert: string;
  readonly expr: string;
  /** How long it must hold. */
  readonly for: string;
  readonly summary: string;
}

const alerts: readonly Alert[] = [
  {
    alert: "PodAway",
    expr: "up == 0",
    for: "2m",
    summary: "{{ $labels.job }} at {{ $labels.instance }} does not answer when it is asked for its figures",
  },
  {
    // Only ready pods are asked: of a service that has none no series says that it is down.
    alert: "GatewayAway",
    expr: 'absent(up{job="gateway"})',
    for: "2m",
    summary: "no gateway is ready: nothing is answered",
  },
  {
    alert: "AnswersDegraded",
    expr: 'sum(rate(modiste_answers_total{grade!="FULL"}[5m])) / sum(rate(modiste_answers_total[5m])) > 0.05',
    for: "10m",
    summary: "more than 5 % of the answers are not FULL: modiste_answers_total by grade, then the trace of one",
  },
  {
    alert: "CallsFail",
    expr: 'sum by (service) (rate(modiste_rpc_server_duration_seconds_count{code!~"ok|invalid_argument|not_found|cancelled"}[5m])) / sum by (service) (rate(modiste_rpc_server_duration_seconds_count[5m])) > 0.05',
    for: "10m",
    summary: "{{ $labels.service }} answers more than 5 % of its calls with an error",
  },
  {
    alert: "CallsDropped",
    expr: "sum by (service) (rate(modiste_rpc_dropped_total[5m])) > 1",
    for: "10m",
    summary: "{{ $labels.service }} drops calls: it is asked more than it can answer",
  },
  {
    alert: "EventsWait",
    expr: "sum(modiste_event_lag_records) > 1000 and sum(delta(modiste_event_lag_records[10m])) > 0",
    for: "10m",
    summary: "events wait to be applied, and more of them every minute: the profile service, its store, the bus",
  },
  {
    alert: "ScoresNotFinite",
    expr: "increase(modiste_ranking_nonfinite_scores_total[10m]) > 0",
    for: "0m",
    summary: "the ranker gives scores that are not finite: roll the release back",
  },
  {
    alert: "ReleaseRefused",
    expr: "increase(modiste_release_refusals_total[10m]) > 0",
    for: "0m",
    summary: "{{ $labels.part }} refused a release; the one before serves on, the log says why",
  },
  {
    alert: "ReleaseStoreAway",
    expr: "modiste_release_store_reachable == 0",
    for: "10m",
    summary: "{{ $labels.part }} cannot look at the store of releases: it serves what it holds, and a pod that starts now has none",
  },
  {
    alert: "AnswersShed",
    expr: "sum(rate(modiste_answers_shed_total[5m])) > 0",
    for: "5m",
    summary: "the gateway has more to do than it can in time and answers from its own list: more replicas, or fewer requests",
  },
  {
    alert: "DeviceAway",
    expr: "modiste_ranking_device_processes == 0",
    for: "5m",
    summary: "the process of {{ $labels.device }} does not answer; the CPU ranks in its place",
  },
];

/** A rule file of Prometheus. */
export const alertRules = {
  groups: [{ name: "modiste", rules: alerts.map(({ summary, ...rule }) => ({ ...rule, annotations: { summary } })) }],
};
