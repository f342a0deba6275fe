import type { OperatorView } from './operator-view.ts'

/**
 * `starting`: the operator opens what it needs. `standby`: another process is the leader, and this one waits to take over.
 * `running`: it works.
 */
export type Phase =
  | { readonly type: 'starting' }
  | { readonly type: 'standby' }
  | { readonly type: 'running'; readonly view: OperatorView; readonly hasNomadAnswered: boolean }

/** Why the process has to be restarted; empty while it is alive. */
export function planLiveness(phase: Phase): string[] {
  if (phase.type !== 'running') return []
  const { overdue } = phase.view.queue()
  return overdue === 0
    ? []
    : [
        `${overdue} passes have exceeded their time limit and did not stop, so they still take slots: restart the operator`,
      ]
}

/** Why the process is not ready; empty where it is. A standby is ready, because it can take over. */
export function planReadiness(phase: Phase): string[] {
  switch (phase.type) {
    case 'starting':
      return ['the operator is starting']
    case 'standby':
      return []
    case 'running':
      return [
        ...phase.view
          .sources()
          .flatMap(({ name, last }) => (last === undefined ? [`source ${name} has not been read yet`] : [])),
        ...(phase.hasNomadAnswered ? [] : ['Nomad has not answered yet']),
      ]
  }
}
