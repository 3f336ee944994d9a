import { useEffect } from "react";
import { Link } from "wouter";
import { Notice } from "../../ui/States";

export default function NotFoundPage() {
  useEffect(() => {
    document.title = "Not found · trailmark";
  }, []);
  return (
    <Notice title="There is no such page">
      <p>
        <Link href="/">Go to the newest project</Link>, or press <kbd>Ctrl</kbd> <kbd>K</kbd> and search.
      </p>
    </Notice>
  );
}
