import { useTitle } from '../parts/page-state.tsx'

export function NotFoundPage() {
  useTitle('Not found')
  return (
    <div class="head">
      <div>
        <h1>There is no such page</h1>
        <p class="lead">
          Go to the <a href="/">overview</a> or find a <a href="/declarations">declaration</a>.
        </p>
      </div>
    </div>
  )
}
