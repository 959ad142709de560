# Each target is one line; tools/dev --help says more.
.PHONY: demo test serve lint shell bench dist docs clean

demo:
	@tools/dev demo

test:
	@tools/dev test $(ARGS)

serve:
	@tools/dev serve --port $(or $(PORT),8069)

lint:
	@tools/dev lint

shell:
	@tools/dev shell

bench:
	@tools/dev bench $(NAME)

dist:
	@tools/dev dist

docs:
	@tools/dev docs

clean:
	@tools/dev clean $(ARGS)
