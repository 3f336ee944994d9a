import { Link } from "wouter";
import { Notice } from "../ui/Notice";
import { TopBar } from "../ui/TopBar";

export function NotFoundPage() {
  document.title = "Not found · trailmark";
  return (
    <>
      <TopBar />
      <Notice title="There is no such page">
        <p>
          <Link href="/">Go to the newest project</Link>
        </p>
      </Notice>
    </>
  );
}
