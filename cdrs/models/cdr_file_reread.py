from contextlib import closing

from odoo import models
from odoo.exceptions import UserError

from ..archives import ArchiveProblem, Content
from ..layout import LayoutProblem
from ..line_texts import problem_text


class CdrFile(models.Model):
    """Lines that could not be read are read again, and no others, once the format was corrected."""

    _inherit = "cdr.file"

    def action_reread(self):
        """Have the lines that could not be read read again, in the background."""
        files = self._as_manager()
        if without := files.filtered(lambda file: not file.error_count):
            raise UserError(self.env._("Every line of %s was read.", without[0].display_name))
        files._reread_later()
        return True

    def _reread_later(self):
        """Enqueue reading these files' lines again, one task for each."""
        for company, files in self.grouped("company_id").items():
            self.env["billing.task"].sudo().with_company(company).enqueue_many(
                [
                    {
                        "type_code": "cdr_rate",
                        "record": file,
                        "parameters": {"file_ids": file.ids},
                        "identity_key": f"cdr_reread:{file.id}",
                        "exclusive_key": f"cdr_file:{file.id}",
                    }
                    for file in files
                ]
            )

    def _reread(self):
        """Read the lines again that could not be read; a file that was not processed is processed.

        :return: dict ``{"read": lines that are good now, "left": lines that are not}``
        """
        counts = {"read": 0, "left": 0}
        for file in self.exists():
            file.lock_for_update()
            file.invalidate_recordset(["state"])
            if file.state == "error":
                file._start()
            elif file.state == "processed":
                read, left = file._reread_lines()
                counts["read"] += read
                counts["left"] += left
        return counts

    def _reread_lines(self):
        self.ensure_one()
        wanted = set(self.line_ids.mapped("line_number"))
        rows, problems = self._read_again(wanted)
        self._set_state("processing")
        self._clear_lines()
        self._keep_problems(problems)
        with closing(self._loader()) as loader:
            loader.add(rows)
            loader.flush()
        self._own().write({"duplicate_count": self.duplicate_count + loader.had_already})
        self._end(None)
        left = self.error_count
        return len(wanted) - left, left

    def _read_again(self, wanted):
        """Return ``(rows, problems)`` of some lines, by today's format.

        The whole file is gone through: only that tells where its lines and quoted fields begin.

        :param set wanted: the lines' numbers
        :raise UserError: the file cannot be read with today's format at all
        """
        rows, problems = [], []
        try:
            with closing(self._open()) as stream:
                content = Content(stream, self.name, self._limits(), self.entry)
                reader = self._reader(self._get_layout(), content)
                for found, wrong in reader.batches():
                    # The first value of a row is the number of its line, whatever it holds.
                    rows += [row for row in found if row[0] in wanted]
                    problems += [problem for problem in wrong if problem.line in wanted]
        except (ArchiveProblem, LayoutProblem) as problem:
            raise UserError(problem_text(self.env, problem.code, problem.values)) from problem
        return rows, problems
