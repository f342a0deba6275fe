import { Icon, type IconName } from './icon.tsx'

/** How states look: a sign, a tone, and what the word means. */
const looks: Readonly<Record<string, { icon: IconName; tone: string; means: string }>> = {
  Ready: { icon: 'ready', tone: 'ready', means: 'as declared' },
  Reconciling: { icon: 'working', tone: 'working', means: 'Mooring is at work, or waits for something' },
  Stalled: { icon: 'stalled', tone: 'stalled', means: 'needs a person' },
  Held: { icon: 'held', tone: 'held', means: 'left as it is' },
  Refused: { icon: 'refused', tone: 'refused', means: 'another declaration has this identity' },
  Invalid: { icon: 'invalid', tone: 'invalid', means: 'cannot be read' },
}

export const stateNames = Object.keys(looks)

export function lookOf(state: string) {
  return looks[state] ?? { icon: 'missing' as const, tone: 'held', means: 'unknown' }
}

export function State({ state }: { readonly state: string }) {
  const { icon, tone, means } = lookOf(state)
  return (
    <span class={`state tone-${tone}`} title={means}>
      <Icon name={icon} />
      {state}
    </span>
  )
}

export function StateBadge({ state }: { readonly state: string }) {
  const { icon, tone, means } = lookOf(state)
  return (
    <span class={`badge tone-${tone}`} title={means}>
      <Icon name={icon} />
      {state}
    </span>
  )
}
