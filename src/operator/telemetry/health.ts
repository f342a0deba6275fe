import type { OperatorView } from './operator-view.ts'

/**
 * `starting`: what the operator needs is being opened. `standby`: another process leads, and this one waits to
 * follow it. `running`: it works.
 */
export type Phase =
  | { readonly type: 'starting' }
  | { readonly type: 'standby' }
  | { readonly type: 'running'; readonly view: OperatorView; readonly hasNomadAnswered: boolean }

/** What keeps the process from its work until it is started anew; empty: it is alive. */
export function planLiveness(phase: Phase): string[] {
  if (phase.type !== 'running') return []
  const { overdue } = phase.view.queue()
  return overdue === 0
    ? []
    : [`${overdue} passes have gone on beyond their time limit in spite of it, and hold their slots`]
}

/** What is still to come before the process does its work; empty: it is ready. A standby is, as it is ready to follow. */
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
