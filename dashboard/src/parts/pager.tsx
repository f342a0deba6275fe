import { Icon } from './icon.tsx'

/** Moves among the pages of a table. */
export function Pager(props: {
  readonly page: number
  readonly size: number
  readonly total: number
  readonly addressOfPage: (page: number) => string
}) {
  const { page, size, total, addressOfPage } = props
  const last = Math.max(1, Math.ceil(total / size))
  const from = total === 0 ? 0 : (page - 1) * size + 1
  return (
    <nav class="pager" aria-label="Pages of the table">
      <span class="second small number">
        {from.toLocaleString('en')}–{Math.min(total, page * size).toLocaleString('en')} of{' '}
        {total.toLocaleString('en')}
      </span>
      <Step to={page > 1 ? addressOfPage(page - 1) : undefined} icon="left" name="Previous page" />
      <Step to={page < last ? addressOfPage(page + 1) : undefined} icon="right" name="Next page" />
    </nav>
  )
}

function Step(props: {
  readonly to: string | undefined
  readonly icon: 'left' | 'right'
  readonly name: string
}) {
  const { to, icon, name } = props
  return to === undefined ? (
    <button type="button" class="button small square" disabled aria-label={name}>
      <Icon name={icon} />
    </button>
  ) : (
    <a class="button small square" href={to} aria-label={name}>
      <Icon name={icon} />
    </a>
  )
}
